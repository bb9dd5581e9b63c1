"""Downloads a weight file into the cache: resumable, verified, and published by one rename."""

import shutil
import zipfile
from pathlib import Path

from tqdm import tqdm

from pipeline.errors import FetchError, WeightsError
from pipeline.stores.atomic import replacing
from pipeline.untrusted.download import Checksum
from pipeline.untrusted.download import fetch as fetch_file
from pipeline.weights.files import WeightFile, WeightOptions


def fetch(file: WeightFile, options: WeightOptions) -> Path:
    """Downloads the file and returns its path in the cache; WeightsError says why that failed."""
    target = options.path(file)
    try:
        if options.mirror:
            # A mirror serves the contents of a cache: the file itself, not the archive it was published in.
            _retrieve(_mirrored(file, options.mirror.rstrip("/")), target, file.content_sha256)
        elif file.member:
            archive = _retrieve([file.address], target.with_name(f"{target.name}.zip"), file.sha256)
            _unpack(archive, file.member, target)
        else:
            _retrieve([file.address], target, file.sha256)
    except FetchError as error:
        raise WeightsError(str(error).removeprefix(f"{file.address}: ")) from None
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise WeightsError(f"{type(error).__name__}: {error}") from None
    return target


def _mirrored(file: WeightFile, mirror: str) -> list[str]:
    """Where a mirror may have the file: also at the place of older versions, where a checksum tells that it is it."""
    places = dict.fromkeys([file.cached_as, *([file.former_place] if file.content_sha256 else [])])
    return [f"{mirror}/{place}" for place in places]


def _retrieve(urls: list[str], target: Path, sha256: str) -> Path:
    with tqdm(desc=target.name, unit="B", unit_scale=True) as bar:

        def progress(num_bytes: int, total_bytes: int) -> None:
            bar.total = total_bytes
            bar.update(num_bytes - bar.n)

        return fetch_file(urls, target, Checksum("sha256", (sha256,) if sha256 else ()), progress)


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
