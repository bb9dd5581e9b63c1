"""Gets the public annotation files of a known dataset."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath
from urllib.parse import urlparse

from pipeline.datasets.annotations import DatasetConfig
from pipeline.datasets.sources import Part
from pipeline.errors import FetchError
from pipeline.untrusted.archives import scratch, unpack
from pipeline.untrusted.download import Checksum, Progress, checksum, fetch

Bar = Callable[[str], AbstractContextManager[Progress]]


def obtain(settings: DatasetConfig, bar: Bar, tell: Callable[[str], None]) -> None:
    """Fetches each public part that is not there; the others are told, with where they can be had.

    FetchError lists the parts that could not be had; what did arrive stays.
    """
    problems = []
    for part in settings.parts:
        if not part.public:
            tell(f"Not public: {part.what}; {part.licence}: {part.where}, into {part.into}")
        elif all(path.exists() for path in targets(part)):
            tell(f"There: {', '.join(str(path) for path in targets(part))}")
        else:
            try:
                _obtain(part, bar, tell)
            except FetchError as error:
                problems.append(f"{error} (put {' and '.join(map(str, targets(part)))} there yourself)")
    if problems:
        raise FetchError("; ".join(problems))


def targets(part: Part) -> list[Path]:
    """The files that a part consists of when it is there."""
    names = part.members or (_file_name(part.where),)
    return [Path(part.into) / name for name in names]


def _obtain(part: Part, bar: Bar, tell: Callable[[str], None]) -> None:
    into = Path(part.into)
    target = into / _file_name(part.where)
    with bar(f"Fetching {target.name}") as progress:
        fetch([part.where], target, Checksum("sha256", (part.sha256,) if part.sha256 else ()), progress)
    told = "as known" if part.sha256 else "not known before"
    tell(f"Fetched {part.where}, sha256 {checksum(target)}, {told}; {part.licence}")
    if part.members:
        _take_out(target, part)


def _take_out(archive: Path, part: Part) -> None:
    """The wanted members, each whole or not at all; the archive goes when all are out."""
    into = Path(part.into)
    with scratch(into) as folder:
        made = unpack(archive, lambda name: PurePosixPath(name).name in part.members, folder)
        by_name = {PurePosixPath(name).name: unpacked.path for name, unpacked in made.items()}
        lacking = sorted(set(part.members) - by_name.keys())
        if lacking:
            raise FetchError(f"{archive}: holds no {', '.join(lacking)}")
        for name, path in by_name.items():
            os.replace(path, into / name)  # noqa: PTH105
    archive.unlink()


def _file_name(url: str) -> str:
    return PurePosixPath(urlparse(url).path).name
