"""The files of a dataset: found by a walk, named by their content, looked into once and remembered."""

import dataclasses
import hashlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NoReturn

from pipeline.errors import AnnotationError, DecodeError, StoreError
from pipeline.media.sidecars import sidecar
from pipeline.running.worker_pool import run_jobs
from pipeline.stores.fingerprint import file_sha256

INSPECT_VERSION = 1
"""Raised by hand when what is read from a file changes: everything is then looked into again."""

_SUFFIXES = "3gp asf avi divx f4v flv gif m2ts m4v mkv mov mp4 mpeg mpg mts mxf ogm ogv rm ts vob webm wmv"
VIDEO_SUFFIXES = frozenset(f".{suffix}" for suffix in _SUFFIXES.split())


Stamp = tuple[int, int]
"""(size in bytes, time of the last change in ns): while it stays, the file is not read again."""


@dataclass(frozen=True)
class Found:
    """A video file and the subtitle file beside it."""

    video_id: str
    path: Path
    stamp: Stamp
    sidecar: Path | None
    sidecar_stamp: Stamp


@dataclass(frozen=True)
class FileFacts:
    """What a look into a file tells."""

    content: str
    """32 hex digits of its bytes and those of its subtitle file."""
    duration_s: float = 0.0
    has_video: bool = False
    has_audio: bool = False
    has_subtitles: bool = False
    note: str = ""
    problem: str = ""


@dataclass(frozen=True)
class _Look:
    found: Found
    probe: bool = True


def find_videos(root: Path) -> list[Found]:
    """The video files below `root`, sorted by id; AnnotationError when there is no such folder."""
    if not root.is_dir():
        raise AnnotationError(f"{root}: no such folder; see 'videos' in the dataset's YAML")
    found = [
        _found(Path(folder) / name, root) for folder, name in _walk(root) if Path(name).suffix.lower() in VIDEO_SUFFIXES
    ]
    for item in found:
        if any("\ud800" <= letter <= "\udfff" for letter in item.video_id):
            raise AnnotationError(f"{root}: the name {item.video_id!r} is not UTF-8, so it cannot be listed; rename it")
    return sorted(found, key=lambda item: item.video_id)


def plain_name(video_id: str) -> str:
    """What captions and released features call a video: its file's name without folders and video suffixes."""
    name = PurePosixPath(video_id)
    while name.suffix.lower() in VIDEO_SUFFIXES:
        name = name.with_suffix("")
    return name.name


def inspect_files(
    found: list[Found], cache: Path, workers: int, deadline_s: float, progress: Callable[[int, int], None] | None = None
) -> dict[str, FileFacts]:
    """What is in each file, by video id; only files that are new, changed or were a problem the last time are read."""
    with closing(_open_cache(cache)) as database:
        facts = {
            item.video_id: known
            for item in found
            if (known := _remembered(database, item)) is not None and not known.problem
        }
        unread = [_Look(item) for item in found if item.video_id not in facts]
        for count, done in enumerate(run_jobs(_look, unread, workers, deadline_s, again=_without_probe), 1):
            item = done.job.found
            seen = done.result or FileFacts(_unread_content(item), problem=done.failure.reason if done.failure else "")
            facts[item.video_id] = seen
            if done.result:
                _remember(database, item, seen)
            if progress:
                progress(count, len(unread))
    return facts


def remembered(found: list[Found], cache: Path) -> dict[str, FileFacts]:
    """What is known of the files that have not changed since they were last looked into, by video id."""
    with closing(_open_cache(cache)) as database:
        return {item.video_id: known for item in found if (known := _remembered(database, item))}


def _walk(root: Path) -> Iterator[tuple[str, str]]:
    seen: set[tuple[int, int]] = set()
    for folder, folders, names in os.walk(root, onerror=_refuse, followlinks=True):
        stat = Path(folder).stat()
        if (stat.st_dev, stat.st_ino) in seen:  # a link that leads back up
            folders.clear()
            continue
        seen.add((stat.st_dev, stat.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from ((folder, name) for name in names if not name.startswith("."))


def _refuse(error: OSError) -> NoReturn:
    """A folder that cannot be read may hold any number of videos: leaving them out unsaid would be a lie."""
    raise AnnotationError(f"{error.filename}: cannot be read: {error.strerror}")


def _found(path: Path, root: Path) -> Found:
    beside = sidecar(path)
    return Found(path.relative_to(root).as_posix(), path, _stamp(path), beside, _stamp(beside) if beside else (0, 0))


def _stamp(path: Path) -> Stamp:
    try:
        stat = path.stat()
    except OSError:
        return -1, 0  # a dangling link: found, and its problem told when it is looked into
    return stat.st_size, stat.st_mtime_ns


def _look(look: _Look) -> FileFacts:
    """Runs in a worker: the content hash, then what the container says."""
    from pipeline.media.video import probe

    found = look.found
    try:
        content = _content(found)
    except OSError as error:
        return FileFacts(_unread_content(found), problem=f"cannot be read: {error.strerror}")
    if not look.probe:
        return FileFacts(content, problem="looking into the file crashed or hung the decoder")
    try:
        info = probe(found.path)
    except DecodeError as error:
        return FileFacts(content, problem=str(error))
    except (MemoryError, ImportError):
        raise  # a fault of the machine, not of this file
    except Exception as error:  # decoders have bugs of their own
        return FileFacts(content, problem=f"{type(error).__name__}: {error}")
    subtitles = info.has_subtitles or found.sidecar is not None
    return FileFacts(content, info.duration_s, info.has_video, info.has_audio, subtitles, info.note)


def _without_probe(look: _Look) -> _Look | None:
    return dataclasses.replace(look, probe=False) if look.probe else None


def _content(found: Found) -> str:
    parts = [file_sha256(path) for path in (found.path, found.sidecar) if path]
    return hashlib.sha256("+".join(parts).encode()).hexdigest()[:32]


def _unread_content(found: Found) -> str:
    return hashlib.sha256(f"unread {found.video_id} {found.stamp}".encode()).hexdigest()[:32]


def _open_cache(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with ExitStack() as on_error:
            database = on_error.enter_context(closing(sqlite3.connect(path, timeout=60)))
            database.execute("CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, stamp TEXT, facts TEXT)")
            on_error.pop_all()
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {error}; it is only a cache: delete it and run again") from None
    return database


def _key(found: Found) -> tuple[str, str]:
    return str(found.path.absolute()), json.dumps([INSPECT_VERSION, *found.stamp, *found.sidecar_stamp])


def _remembered(database: sqlite3.Connection, found: Found) -> FileFacts | None:
    path, stamp = _key(found)
    row = database.execute("SELECT facts FROM files WHERE path = ? AND stamp = ?", (path, stamp)).fetchone()
    try:
        return FileFacts(**json.loads(row[0])) if row else None
    except (TypeError, ValueError):
        return None  # another version wrote it


def _remember(database: sqlite3.Connection, found: Found, facts: FileFacts) -> None:
    path, stamp = _key(found)
    with database:
        database.execute(
            "INSERT OR REPLACE INTO files VALUES (?, ?, ?)", (path, stamp, json.dumps(dataclasses.asdict(facts)))
        )
