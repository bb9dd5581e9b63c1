"""Downloads a weight file into the cache: resumable, verified, and published by one rename."""

import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

from tqdm import tqdm

from pipeline.errors import FetchError, WeightsError
from pipeline.stores.atomic import replacing
from pipeline.untrusted.download import Checksum
from pipeline.untrusted.download import fetch as fetch_file
from pipeline.weights.files import WeightFile, WeightOptions


def fetch(file: WeightFile, options: WeightOptions) -> Path:
    """Downloads the file and returns its path in the cache; WeightsError says why that failed."""
    target = options.path(file)
    url = f"{options.mirror.rstrip('/')}/{file.cached_as}" if options.mirror else file.url
    try:
        # A mirror serves the contents of a cache: the file itself, not the archive it was published in.
        if file.member and not options.mirror:
            archive = _retrieve(url, target.with_name(f"{target.name}.zip"), file.sha256)
            _unpack(archive, file.member, target)
        else:
            _retrieve(url, target, "" if file.member else file.sha256)
    except FetchError as error:
        raise WeightsError(str(error).removeprefix(f"{url}: ")) from None
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise WeightsError(f"{type(error).__name__}: {error}") from None
    return target


def _retrieve(url: str, target: Path, sha256: str) -> Path:
    """Downloads with pooch, which publishes the file by one rename and only when its checksum matches."""
    import pooch

    pooch.get_logger().setLevel("WARNING")  # it would log the checksum of a file for which none is given
    known = f"sha256:{sha256.lower()}" if len(sha256) == 64 else None
    try:
        pooch.retrieve(url, known, target.name, target.parent, downloader=_ResumingDownloader(target, sha256))
    except ValueError as error:  # pooch raises it for a URL of an unknown protocol
        raise WeightsError(str(error)) from None
    return target


class _ResumingDownloader:
    """A pooch downloader that continues a partial download, also one of an earlier run."""

    def __init__(self, target: Path, sha256: str) -> None:
        self._arriving = target.with_name(f"{target.name}.arriving")
        self._check = Checksum("sha256", (sha256,) if sha256 else ())

    def __call__(self, url: str, output_file: Any, pooch: Any, check_only: bool = False) -> None:
        with tqdm(desc=self._arriving.stem, unit="B", unit_scale=True) as bar:

            def progress(num_bytes: int, total_bytes: int) -> None:
                bar.total = total_bytes
                bar.update(num_bytes - bar.n)

            fetch_file([url], self._arriving, self._check, progress)
        os.replace(self._arriving, output_file)  # noqa: PTH105


def _unpack(archive: Path, member: str, target: Path) -> None:
    """Extracts one member of a zip archive to `target` atomically, and deletes the archive."""
    try:
        with (
            zipfile.ZipFile(archive) as packed,
            packed.open(member) as source,
            replacing(target) as temporary,
            temporary.open("wb") as out,
        ):
            shutil.copyfileobj(source, out)
    finally:
        archive.unlink(missing_ok=True)
