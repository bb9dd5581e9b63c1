"""Scans a dataset's folder: builds its manifest, and tells whether and what has changed since."""

import dataclasses
import heapq
import json
import os
from collections.abc import Callable, Collection, Iterable, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any

from pipeline.datasets import manifest
from pipeline.datasets.absent import why_missing
from pipeline.datasets.annotations import (
    SIDECAR_CAPTIONS,
    Annotation,
    DatasetConfig,
    annotation_files,
    read_annotations,
)
from pipeline.datasets.availability import how_to_get, is_imported
from pipeline.datasets.caption_files import may_hold
from pipeline.datasets.file_cache import FileInfo
from pipeline.datasets.files import INSPECT_VERSION, cached_infos, inspect_files
from pipeline.datasets.manifest import MANIFEST_VERSION, Manifest
from pipeline.datasets.matching import match_files, names_of, refuse_missing, refuse_unrelated, shared_between_splits
from pipeline.datasets.protocol import annotations_of
from pipeline.datasets.stamps import stamp_of
from pipeline.datasets.video import UNLABELLED, Video, is_missing, missing_content
from pipeline.datasets.video_columns import gather
from pipeline.datasets.video_files import VideoFile, VideoFiles, find_videos
from pipeline.errors import AnnotationError
from pipeline.stores import fingerprint


def scan_digest(name: str, settings: DatasetConfig) -> str:
    """12 hex digits of the names, sizes and dates of the dataset's files, and of its settings.

    Only decides whether the files must be inspected again, never whether a result is stale.
    """
    files = _find(settings)
    recipe = {
        "version": MANIFEST_VERSION,
        "inspect": INSPECT_VERSION,
        "dataset": name,
        "settings": _manifest_settings(settings),
        "captions": [[path.name, *stamp_of(path)] for path in annotation_files(settings)],
    }
    return fingerprint.fingerprint_of_long(recipe, "looks", _file_stats(files))


def build(
    name: str,
    settings: DatasetConfig,
    cache: Path,
    workers: int,
    deadline_s: float,
    progress: Callable[[int, int], None] | None = None,
) -> Manifest:
    """The manifest of a dataset: reads the captions, and each video file that is new or changed since `cache`.

    `deadline_s` holds for each file; `progress` is called as by `inspect_files`. AnnotationError when videos or
    captions are missing or contradict each other.
    """
    root = Path(settings.videos)
    left_out: list[str] = []
    by_name, warnings = annotations_of(name, settings)
    files = _find(settings, left_out, by_name.keys)
    warnings += left_out
    if not files and not (by_name and is_imported(settings)):
        raise AnnotationError(how_to_get(name, settings))
    annotations = match_files(by_name, files, warnings)
    lacking = annotations.keys() - set(files.ids)
    names = names_of(files if lacking else VideoFiles(root))
    missing = {key: why_missing(root, key, names) for key in annotations if key in lacking}
    if missing and not is_imported(settings):
        refuse_unrelated(annotations, missing, settings)
        warnings += refuse_missing(name, settings, missing, annotations)
        annotations = {key: one for key, one in annotations.items() if not (settings.allow_partial and key in missing)}
    infos = inspect_files(files, cache, workers, deadline_s, progress)
    found = (_video(file, infos[file.video_id], annotations.get(file.video_id)) for file in files)
    absent = [_missing_video(key, one, missing[key]) for key, one in annotations.items() if key in missing]
    by_id = attrgetter("video_id")
    videos = gather(heapq.merge(found, sorted(absent, key=by_id), key=by_id))
    warnings += shared_between_splits(videos)
    return manifest.of(name, root, videos, warnings)


def changes(before: Manifest, settings: DatasetConfig, cache: Path) -> dict[str, list[str]]:
    """Ids of the videos that are "new", "changed" or "gone" since the manifest `before`; reads no video."""
    files = _find(settings)
    columns = before.videos.ids, before.videos.contents, before.videos.column("problem")
    known = {
        name: content for name, content, problem in zip(*columns, strict=True) if not is_missing(name, content, problem)
    }
    infos = cached_infos(files, cache)
    changed = [
        file.video_id
        for file in files
        if file.video_id in known
        and (file.video_id not in infos or infos[file.video_id].content != known[file.video_id])
    ]
    return {
        "new": [video_id for video_id in files.ids if video_id not in known],
        "changed": changed,
        "gone": sorted(known.keys() - set(files.ids)),
    }


def _find(
    settings: DatasetConfig, left_out: list[str] | None = None, named: Callable[[], Collection[str]] | None = None
) -> VideoFiles:
    """As `find_videos`; empty when the folder of a known dataset is missing, since it may have imported features.

    `named`: names in the captions, by default read from the captions file.
    """
    root = Path(settings.videos)
    if settings.annotations and not root.is_dir():
        return VideoFiles(root)
    if named or settings.captions in {None, SIDECAR_CAPTIONS}:
        return find_videos(root, left_out, named or tuple)
    captions = Path(settings.captions or "")
    return find_videos(root, left_out, lambda: _named_in(settings), lambda endings: may_hold(captions, endings))


def _named_in(settings: DatasetConfig) -> Collection[str]:
    """The names in a captions file; none where it cannot be read, which is told when the manifest is built."""
    try:
        return read_annotations(settings).keys()
    except AnnotationError:
        return ()


def _file_stats(files: VideoFiles) -> Iterable[Sequence[str | int]]:
    """Id, stamps and unreadable names of each file; the last since `chmod` changes neither size nor date."""
    if not files.closed:
        return files.rows()
    return (
        (*row, *_unreadable(file)) if row[0] in files.closed else row
        for row, file in zip(files.rows(), files, strict=True)
    )


def _unreadable(file: VideoFile) -> list[str]:
    folder, _, name = f"{file.root}/{file.video_id}".rpartition("/")  # many files may be closed, and pathlib is slow
    there = (name, *file.subtitles) if file.size >= 0 or file.path.exists() else file.subtitles
    return [one for one in there if not os.access(f"{folder}/{one}", os.R_OK)]


def _manifest_settings(settings: DatasetConfig) -> dict[str, Any]:
    """The settings that can change a manifest, as JSON values."""
    plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(settings)))
    irrelevant = ("model", "max_failed_fraction", "demo", "parts")
    return {key: value for key, value in plain.items() if key not in irrelevant}


def _video(file: VideoFile, info: FileInfo, annotation: Annotation | None) -> Video:
    return Video(
        file.video_id,
        info.content,
        annotation.split if annotation else UNLABELLED,
        annotation.captions if annotation else (),
        info.duration_s,
        info.has_video,
        info.has_audio,
        info.has_subtitles,
        info.note,
        info.problem,
        info.seekable,
        file.stamps,
    )


def _missing_video(video_id: str, annotation: Annotation, why: str) -> Video:
    content = missing_content(video_id, why)
    return Video(video_id, content, annotation.split, annotation.captions, 0.0, False, False, False, problem=why)
