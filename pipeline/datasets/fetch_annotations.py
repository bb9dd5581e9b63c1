"""Downloads the public annotation files of a known dataset."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath

from pipeline.datasets.annotations import DatasetConfig
from pipeline.datasets.sources import Part
from pipeline.errors import FetchError
from pipeline.stores import atomic
from pipeline.untrusted.archives import scratch, unpack
from pipeline.untrusted.download import Checksum, Progress, checksum, fetch, file_name

ProgressBar = Callable[[str], AbstractContextManager[Progress]]
"""Title -> a context that shows a progress bar and yields its callback."""


def obtain(settings: DatasetConfig, progress_bar: ProgressBar, log: Callable[[str], None]) -> None:
    """Downloads each public part that is missing, and logs where to get the others.

    FetchError lists the parts that could not be downloaded; the others are kept.
    """
    problems = []
    for part in settings.parts:
        if not part.public:
            log(f"Not public: {part.what}; {part.licence}: {part.where}, into {part.into}")
        elif all(path.exists() for path in part_files(part)):
            log(f"There: {', '.join(str(path) for path in part_files(part))}")
        else:
            try:
                _download(part, progress_bar, log)
            except FetchError as error:
                problems.append(f"{error} (put {' and '.join(map(str, part_files(part)))} there yourself)")
    if problems:
        raise FetchError("; ".join(problems))


def part_files(part: Part) -> list[Path]:
    """Paths of the files that a part consists of, whether they exist or not."""
    names = part.members or (file_name(part.where),)
    return [Path(part.into) / name for name in names]


def _download(part: Part, progress_bar: ProgressBar, log: Callable[[str], None]) -> None:
    target = Path(part.into) / file_name(part.where)
    with progress_bar(f"Fetching {target.name}") as progress:
        fetch([part.where], target, Checksum("sha256", (part.sha256,) if part.sha256 else ()), progress)
    verified = "as known" if part.sha256 else "not known before"
    log(f"Fetched {part.where}, sha256 {checksum(target)}, {verified}; {part.licence}")
    if part.members:
        _extract_members(target, part)


def _extract_members(archive: Path, part: Part) -> None:
    """Extracts the part's members, each by one rename, and then deletes the archive."""
    into = Path(part.into)
    with scratch(into) as folder:
        extracted = unpack(archive, lambda name: PurePosixPath(name).name in part.members, folder)
        by_name = {PurePosixPath(name).name: unpacked.path for name, unpacked in extracted.items()}
        missing = sorted(set(part.members) - by_name.keys())
        if missing:
            raise FetchError(f"{archive}: holds no {', '.join(missing)}")
        for name, path in by_name.items():
            atomic.publish(path, into / name)
    archive.unlink()
