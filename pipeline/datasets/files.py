"""Finds the video files of a dataset, hashes and probes them in worker processes, and caches the results in SQLite."""

import dataclasses
import hashlib
import json
import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.datasets.stamps import CHANGED, Stamp, content_of, sidecar_stamp, stamp_of, stamps_of
from pipeline.datasets.video_paths import video_paths
from pipeline.errors import AnnotationError, DamagedError, DecodeError, OutageError, RemoteError, in_one_line
from pipeline.file_kinds import irregular
from pipeline.media.sidecars import Sidecar, sidecars, unusable_sidecar
from pipeline.remote_files.files import faults_raised, listed
from pipeline.remote_files.look import refresh
from pipeline.running.worker_pool import run_jobs
from pipeline.stores.fingerprint import text_sha256

INSPECT_VERSION = 2
"""Raised by hand when the inspection of a file changes: all files are then inspected again."""


@dataclass(frozen=True)
class VideoFile:
    """A video file and the subtitle files beside it."""

    video_id: str
    """Path below the dataset's folder, with forward slashes."""
    path: Path
    stamp: Stamp
    """(-1, 0) for what is no regular file, e.g. a dangling link."""
    sidecars: tuple[Sidecar, ...]
    """The subtitle files, sorted by name."""
    sidecar_stamp: Stamp
    """As `stamps.sidecar_stamp` gives it."""
    irregular: str = ""
    """Why the file must not be opened, e.g. "a named pipe, not a file"; empty when it may."""

    @property
    def stamps(self) -> tuple[int, ...]:
        """Both stamps, as `stamps_of` returns them."""
        return *self.stamp, *self.sidecar_stamp


@dataclass(frozen=True)
class FileInfo:
    """The result of an inspection of a video file."""

    content: str
    """32 hex digits of a hash of its bytes and those of its subtitle files."""
    duration_s: float = 0.0
    has_video: bool = False
    has_audio: bool = False
    has_subtitles: bool = False
    note: str = ""
    """A shortfall of a damaged file that can be used."""
    problem: str = ""
    """Why the file cannot be used; empty when it can."""
    seekable: bool = True
    """Whether a reading may begin in the middle (see `VideoInfo`)."""


@dataclass(frozen=True)
class _InspectJob:
    file: VideoFile
    probe: bool = True


def find_videos(
    root: Path, left_out: list[str] | None = None, named: Callable[[], Collection[str]] = tuple
) -> list[VideoFile]:
    """The video files below `root`, sorted by id; hidden files and folders are left out.

    Which files are videos is told by `video_paths`, to which `named` gives the names in captions. Links are followed.
    One that leads nowhere or in a circle is not, which is appended to `left_out`. AnnotationError when there is no such
    folder, a folder cannot be read, or a name is not UTF-8.
    """
    unfollowed: list[str] = [] if left_out is None else left_out
    if not root.is_dir():
        raise AnnotationError(f"{root}: no such folder; see 'videos' in the dataset's YAML")
    refresh(root, unfollowed)
    files = [_video_file(path, root) for path in video_paths(root, unfollowed, named)]
    for file in files:
        if any("\ud800" <= letter <= "\udfff" for letter in file.video_id):
            raise AnnotationError(f"{root}: the name {file.video_id!r} is not UTF-8, so it cannot be listed; rename it")
    return sorted(files, key=lambda file: file.video_id)


def inspect_files(
    files: list[VideoFile],
    cache: Path,
    workers: int,
    deadline_s: float,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, FileInfo]:
    """Video id -> the inspection of its file; reads only files that are new, changed, or had a problem the last time.

    `deadline_s` holds for each file. `progress` is called with the number of files that were read, and of how many.
    """
    with _open_cache(cache) as database:
        infos = {
            file.video_id: cached
            for file in files
            if (cached := _read_cache(database, file)) is not None and not cached.problem
        }
        infos |= {file.video_id: _closed(file) for file in files if file.irregular}
        jobs = [_InspectJob(file) for file in files if file.video_id not in infos]
        for count, done in enumerate(run_jobs(_inspect, jobs, workers, deadline_s, again=_without_probe), 1):
            file = done.job.file
            info = done.result or FileInfo(_unread_content(file), problem=done.failure.reason if done.failure else "")
            infos[file.video_id] = info
            if done.result:
                _write_cache(database, file, info)
            if progress:
                progress(count, len(jobs))
    return infos


def cached_infos(files: list[VideoFile], cache: Path) -> dict[str, FileInfo]:
    """Video id -> the cached inspection, for the files that have not changed since; reads no video."""
    with _open_cache(cache) as database:
        return {file.video_id: cached for file in files if (cached := _read_cache(database, file))}


def _video_file(path: Path, root: Path) -> VideoFile:
    subtitles, remote = tuple(sidecars(path)), listed(path)
    why = irregular(path) or (remote.problem if remote else "")
    stamp = (-1, 0) if why else remote.stamp if remote else stamp_of(path)
    return VideoFile(path.relative_to(root).as_posix(), path, stamp, subtitles, sidecar_stamp(path, subtitles), why)


def _closed(file: VideoFile) -> FileInfo:
    """The inspection of a file that must not be opened."""
    return FileInfo(_unread_content(file), problem=file.irregular)


def _inspect(job: _InspectJob) -> FileInfo:
    """Hashes and probes a file, in a worker process."""
    file = job.file
    if why := irregular(file.path):  # it was a file when the folder was listed
        return FileInfo(_unread_content(file), problem=why)
    info = _inspect_bytes(job)
    if stamps_of(file.path) != file.stamps:
        # Its hash may be that of half a copy, or already that of the new file, whose stamp is not the one listed.
        return FileInfo(_unread_content(file), problem=CHANGED)
    return info


def _inspect_bytes(job: _InspectJob) -> FileInfo:
    from pipeline.media.container import is_of_machine
    from pipeline.media.video import probe

    file = job.file
    try:
        content = content_of(file.path, file.sidecars)
    except OutageError:
        raise
    except OSError as error:
        return FileInfo(_unread_content(file), problem=f"cannot be read: {error.strerror or error}")
    if not job.probe:
        return FileInfo(content, problem="looking into the file crashed or hung the decoder")
    try:
        with faults_raised(file.path):
            info = probe(file.path)
    except OutageError:
        raise
    except (DecodeError, RemoteError) as error:
        return FileInfo(content, problem=str(error))
    except Exception as error:  # a bug of the decoder
        if is_of_machine(error):
            raise
        return FileInfo(content, problem=in_one_line(error))
    has_subtitles = info.has_subtitles or bool(file.sidecars)
    note = "; ".join(filter(None, [info.note, "" if file.sidecars else unusable_sidecar(file.path)]))
    return FileInfo(content, info.duration_s, info.has_video, info.has_audio, has_subtitles, note, "", info.seekable)


def _without_probe(job: _InspectJob) -> _InspectJob | None:
    """The retry of a job that crashed or hung: hashes the file only."""
    return dataclasses.replace(job, probe=False) if job.probe else None


def _unread_content(file: VideoFile) -> str:
    """In place of a content hash, for a file that cannot be read."""
    return hashlib.sha256(f"unread {file.video_id} {file.stamp}".encode()).hexdigest()[:32]


@contextmanager
def _open_cache(path: Path) -> Iterator[sqlite3.Connection]:
    """Context with the cache; DamagedError when its file is no database of this form any more."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with closing(sqlite3.connect(path, timeout=60)) as database:
            database.execute("CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, stamp TEXT, facts TEXT)")
            yield database
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _DAMAGE:
            raise  # a full disk, a lock: the file is whole
        raise DamagedError(path, f"{error}; it is only a cache") from None


_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}
"""The last one is what SQLite says of a table without the expected columns."""


def _cache_key(file: VideoFile) -> tuple[str, str]:
    return str(file.path.absolute()), json.dumps([INSPECT_VERSION, *file.stamp, *file.sidecar_stamp])


def _read_cache(database: sqlite3.Connection, file: VideoFile) -> FileInfo | None:
    path, stamp = _cache_key(file)
    row = database.execute("SELECT facts FROM files WHERE path = ? AND stamp = ?", (path, stamp)).fetchone()
    try:
        info = json.loads(row[0]) if row else None
        if info is None or info.pop(_CHECK, None) not in {None, _checksum(path, stamp, info)}:
            return None
        return FileInfo(**info)
    except (AttributeError, TypeError, ValueError):
        return None  # written by another version, or damaged: the file is read again


def _write_cache(database: sqlite3.Connection, file: VideoFile, info: FileInfo) -> None:
    path, stamp = _cache_key(file)
    facts = dataclasses.asdict(info)
    checked = json.dumps(facts | {_CHECK: _checksum(path, stamp, facts)})
    with database:
        database.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", (path, stamp, checked))


_CHECK = "check"


def _checksum(path: str, stamp: str, facts: dict[str, Any]) -> str:
    """Of a row: SQLite does not notice a flipped bit in a value. Rows from before November 2026 have none."""
    return text_sha256(json.dumps([path, stamp, facts], sort_keys=True))[:16]
