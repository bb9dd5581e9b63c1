"""Fetches a file of weights into the cache: resumed, checked, and published by one rename."""

import os
import shutil
import uuid
import zipfile
from pathlib import Path
from typing import Any

from tqdm import tqdm

from pipeline.errors import FetchError, WeightsError
from pipeline.untrusted.download import Checksum
from pipeline.untrusted.download import fetch as fetch_file
from pipeline.weights.files import WeightFile, WeightOptions


def fetch(file: WeightFile, options: WeightOptions) -> Path:
    """The path of the file, now in the cache; WeightsError says why it could not be had."""
    target = options.path(file)
    url = f"{options.mirror.rstrip('/')}/{file.cached_as}" if options.mirror else file.url
    try:
        # A mirror serves what a cache holds: the file itself, not the archive that it came in.
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
    """Through pooch, which publishes the file by one rename and only when its checksum is right."""
    import pooch

    pooch.get_logger().setLevel("WARNING")  # it would tell the checksum of a file that has none
    known = f"sha256:{sha256.lower()}" if len(sha256) == 64 else None
    try:
        pooch.retrieve(url, known, target.name, target.parent, downloader=_Resumed(target, sha256))
    except ValueError as error:  # pooch's word for an address of no known protocol
        raise WeightsError(str(error)) from None
    return target


class _Resumed:
    """A pooch downloader that goes on from what an earlier connection, or an earlier run, has brought."""

    def __init__(self, target: Path, sha256: str) -> None:
        self._arriving = target.with_name(f"{target.name}.arriving")
        self._check = Checksum("sha256", (sha256,) if sha256 else ())

    def __call__(self, url: str, output_file: Any, pooch: Any, check_only: bool = False) -> None:
        with tqdm(desc=self._arriving.stem, unit="B", unit_scale=True) as bar:

            def progress(done: int, of: int) -> None:
                bar.total = of
                bar.update(done - bar.n)

            fetch_file([url], self._arriving, self._check, progress)
        os.replace(self._arriving, output_file)  # noqa: PTH105


def _unpack(archive: Path, member: str, target: Path) -> None:
    temporary = target.with_name(f".tmp-{uuid.uuid4().hex[:8]}-{target.name}")
    try:
        with zipfile.ZipFile(archive) as packed, packed.open(member) as inside, temporary.open("wb") as out:
            shutil.copyfileobj(inside, out)
        os.replace(temporary, target)  # noqa: PTH105
    finally:
        temporary.unlink(missing_ok=True)
        archive.unlink(missing_ok=True)
