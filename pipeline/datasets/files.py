"""Finds the video files of a dataset, and hashes and probes them in worker processes."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from pipeline.datasets.file_cache import FileInfo, Key, open_cache
from pipeline.datasets.stamps import CHANGED, Stamp, content_of, joined_stamp, stamps_of
from pipeline.datasets.video_paths import videos_among
from pipeline.datasets.walk import Found, walk
from pipeline.errors import AnnotationError, DecodeError, OutageError, RemoteError, in_one_line
from pipeline.file_kinds import irregular
from pipeline.media.sidecars import Listing, Sidecar, is_subtitle, of_names, tail_of, unusable_sidecar
from pipeline.remote_files.files import facts_below, faults_raised
from pipeline.remote_files.look import refresh
from pipeline.running.worker_pool import run_jobs

INSPECT_VERSION = 2
"""Raised by hand when the inspection of a file changes: all files are then inspected again."""


class VideoFile(NamedTuple):
    """A video file and the subtitle files beside it; small, since a folder may hold millions."""

    root: Path
    """The dataset's folder."""
    video_id: str
    """Path below the dataset's folder, with forward slashes."""
    size: int
    """In bytes; -1 for what is no regular file, e.g. a dangling link."""
    mtime_ns: int
    subtitles: tuple[str, ...] = ()
    """Names of the subtitle files, sorted."""
    sidecar_stamp: Stamp = (0, 0)
    """As `stamps.sidecar_stamp` gives it."""
    irregular: str = ""
    """Why the file must not be opened, e.g. "a named pipe, not a file"; empty when it may."""
    is_open: bool = True
    """Whether it is known that everybody may read the file and its subtitles."""

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return self.root / self.video_id

    @property
    def sidecars(self) -> tuple[Sidecar, ...]:
        """The subtitle files, sorted by name."""
        return tuple(of_names(self.path, self.subtitles))

    @property
    def stamp(self) -> Stamp:
        """The stamp of the video file; (-1, 0) for what is no regular file."""
        return self.size, self.mtime_ns

    @property
    def stamps(self) -> tuple[int, ...]:
        """Both stamps, as `stamps_of` returns them."""
        return self.size, self.mtime_ns, *self.sidecar_stamp


@dataclass(frozen=True)
class _InspectJob:
    file: VideoFile
    probe: bool = True


class _Subtitles(NamedTuple):
    """The subtitle files of a folder."""

    listing: Listing
    files: dict[str, Found]
    """By name."""


def find_videos(
    root: Path,
    left_out: list[str] | None = None,
    named: Callable[[], Collection[str]] = tuple,
    may_hold: Callable[[Collection[str]], bool] = lambda _: True,
) -> list[VideoFile]:
    """The video files below `root`, sorted by id; hidden files and folders are left out.

    Which files are videos is told by `videos_among`, as are `named` and `may_hold`, which ask the captions. Links are
    followed. One that leads nowhere or in a circle is not, which is appended to `left_out`. AnnotationError when there
    is no such folder, a folder cannot be read, or a name is not UTF-8.
    """
    unfollowed: list[str] = [] if left_out is None else left_out
    if not root.is_dir():
        raise AnnotationError(f"{root}: no such folder; see 'videos' in the dataset's YAML")
    refresh(root, unfollowed)
    listed = list(_with_facts(walk(root, unfollowed), root))
    beside = _subtitles(listed)
    files = [_video_file(found, root, beside) for found in videos_among(listed, root, unfollowed, named, may_hold)]
    files.sort(key=attrgetter("video_id"))
    for file in files:
        if not _is_utf8(file.video_id):
            raise AnnotationError(f"{root}: the name {file.video_id!r} is not UTF-8, so it cannot be listed; rename it")
    return files


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
    with open_cache(cache) as known:
        infos = {
            file.video_id: info
            for file, info in zip(files, known.read(_keys(files)), strict=True)
            if info is not None and not info.problem
        }
        closed = (file for file in files if file.irregular)  # they must not be opened
        infos |= {file.video_id: FileInfo(_unread_content(file), problem=file.irregular) for file in closed}
        jobs = [_InspectJob(file) for file in files if file.video_id not in infos]
        for count, done in enumerate(run_jobs(_inspect, jobs, workers, deadline_s, again=_without_probe), 1):
            file = done.job.file
            info = done.result or FileInfo(_unread_content(file), problem=done.failure.reason if done.failure else "")
            infos[file.video_id] = info
            if done.result:
                known.write(next(_keys([file])), info)
            if progress:
                progress(count, len(jobs))
    return infos


def cached_infos(files: list[VideoFile], cache: Path) -> dict[str, FileInfo]:
    """Video id -> the cached inspection, for the files that have not changed since; reads no video."""
    with open_cache(cache) as known:
        return {file.video_id: info for file, info in zip(files, known.read(_keys(files)), strict=True) if info}


def _with_facts(walked: Iterable[Found], root: Path) -> Iterator[Found]:
    """What was walked; for files that stand for remote ones, what was listed of these."""
    facts = facts_below(root)
    for found in walked:
        there = facts.get(found.name)
        if there is None or there.is_local:
            yield found
        else:
            yield Found(found.name, *there.stamp, there.problem)


def _subtitles(listed: list[Found]) -> dict[str, _Subtitles]:
    """Folder -> its subtitle files, for the folders that have some."""
    by_folder: dict[str, dict[str, Found]] = {}
    for found in listed:
        if is_subtitle(found.name):
            folder, _, name = found.name.rpartition("/")
            by_folder.setdefault(folder, {})[name] = found
    beside = {folder: _Subtitles(Listing(files), files) for folder, files in by_folder.items()}
    in_doubt = {folder: one.listing for folder, one in beside.items() if one.listing.is_in_doubt}
    for found in listed if in_doubt else ():
        folder, _, name = found.name.rpartition("/")
        if folder in in_doubt:
            in_doubt[folder].note_owner(name)
    return beside


def _video_file(found: Found, root: Path, beside: dict[str, _Subtitles]) -> VideoFile:
    video_id, size, mtime_ns, kind, _, is_open = found
    folder, _, name = video_id.rpartition("/")
    named = beside[folder].listing.beside(name) if folder in beside else ()
    if not named:
        return VideoFile(root, video_id, size, mtime_ns, (), (0, 0), kind, is_open)
    files = {subtitles: beside[folder].files[subtitles] for subtitles, told in named if told}
    used = tuple(subtitles for subtitles, file in files.items() if file.size >= 0)
    stamps = [(tail_of(name, subtitles), (files[subtitles].size, files[subtitles].mtime_ns)) for subtitles in used]
    is_unusable = len(files) < len(named) or any(file.kind for file in files.values())
    sidecar_stamp = joined_stamp(stamps) if stamps else (-1, 0) if is_unusable else (0, 0)
    is_open = is_open and all(files[subtitles].is_open for subtitles in used)
    return VideoFile(root, video_id, size, mtime_ns, used, sidecar_stamp, kind, is_open)


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


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
    except OSError as error:
        if isinstance(error, OutageError):
            raise
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


def _keys(files: Iterable[VideoFile]) -> Iterator[Key]:
    """The keys of files in the cache."""
    folders: dict[Path, str] = {}
    for file in files:
        folder = folders.get(file.root) or folders.setdefault(file.root, str(file.root.absolute()).rstrip("/") + "/")
        yield folder + file.video_id, json.dumps([INSPECT_VERSION, *file.stamps])
