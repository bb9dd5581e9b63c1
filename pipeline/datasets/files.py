"""Hashes and probes the video files of a dataset in worker processes."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.datasets.file_cache import FileInfo, Key, open_cache
from pipeline.datasets.stamps import CHANGED, content_of, stamps_of
from pipeline.datasets.video_files import VideoFile, VideoFiles
from pipeline.errors import DecodeError, OutageError, RemoteError, in_one_line
from pipeline.file_kinds import irregular
from pipeline.media.sidecars import unusable_sidecar
from pipeline.remote_files.files import faults_raised
from pipeline.running.handed_on import hand_on
from pipeline.running.worker_pool import KeptWorkers, run_jobs

INSPECT_VERSION = 2
"""Raised by hand when the inspection of a file changes: all files are then inspected again."""

FILES_OF_WORKER, BYTES_OF_WORKER = 8, 256 << 20
"""What a worker looks into in about the time that it takes to start."""


@dataclass(frozen=True)
class _InspectJob:
    file: VideoFile
    probe: bool = True


def inspect_files(
    files: VideoFiles,
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
            video_id: info
            for video_id, info in zip(files.ids, known.read(_keys(files)), strict=True)
            if info is not None and not info.problem
        }
        closed = (file for file in files if file.irregular) if files.irregular else ()  # they must not be opened
        infos |= {file.video_id: FileInfo(_unread_content(file), problem=file.irregular) for file in closed}
        jobs = [_InspectJob(files[place]) for place, video_id in enumerate(files.ids) if video_id not in infos]
        kept = KeptWorkers(min(workers, _enough_workers(jobs)))
        for count, done in enumerate(run_jobs(_inspect, jobs, kept, deadline_s, again=_without_probe), 1):
            file = done.job.file
            info = done.result or FileInfo(_unread_content(file), problem=done.failure.reason if done.failure else "")
            infos[file.video_id] = info
            if done.result:
                known.write(_key(_folder(file.root), file.video_id, file.stamps), info)
            if progress:
                progress(count, len(jobs))
    hand_on(kept)  # to the extraction, which may be next
    return infos


def _enough_workers(jobs: Sequence[_InspectJob]) -> int:
    """So many that the start of each, a third of a second, is paid for by what it looks into."""
    num_bytes = sum(max(0, job.file.size) for job in jobs)
    return max(1, len(jobs) // FILES_OF_WORKER, num_bytes // BYTES_OF_WORKER)


def cached_infos(files: VideoFiles, cache: Path) -> dict[str, FileInfo]:
    """Video id -> the cached inspection, for the files that have not changed since; reads no video."""
    with open_cache(cache) as known:
        return {name: info for name, info in zip(files.ids, known.read(_keys(files)), strict=True) if info}


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


def _keys(files: VideoFiles) -> Iterator[Key]:
    """The keys of files in the cache."""
    folder = _folder(files.root)
    return (_key(folder, video_id, stamps) for video_id, *stamps in files.rows())


def _folder(root: Path) -> str:
    return str(root.absolute()).rstrip("/") + "/"


def _key(folder: str, video_id: str, stamps: Sequence[int]) -> Key:
    return folder + video_id, json.dumps([INSPECT_VERSION, *stamps])
