"""Scans a dataset's folder: builds its manifest, and tells whether and what has changed since."""

import dataclasses
import heapq
import json
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from pipeline.datasets import manifest
from pipeline.datasets.absent import why_missing
from pipeline.datasets.annotations import (
    Annotation,
    DatasetConfig,
    annotation_files,
    read_annotations,
    videos_in,
)
from pipeline.datasets.availability import how_to_get, is_imported
from pipeline.datasets.caption_files import may_hold
from pipeline.datasets.caption_sidecars import SIDECARS
from pipeline.datasets.file_cache import FileInfo
from pipeline.datasets.files import INSPECT_VERSION, cached_infos, inspect_files
from pipeline.datasets.manifest import MANIFEST_VERSION, Manifest
from pipeline.datasets.matching import match_files, names_of, refuse_missing, refuse_unrelated, shared_between_splits
from pipeline.datasets.protocol import Annotations, annotations_of
from pipeline.datasets.rows import clips_by_file, missing_row, order, rows_of
from pipeline.datasets.stamps import stamp_of
from pipeline.datasets.video import is_missing
from pipeline.datasets.video_columns import gather
from pipeline.datasets.video_files import VideoFile, VideoFiles, find_videos
from pipeline.datasets.videos import Videos
from pipeline.errors import AnnotationError
from pipeline.remote_files.packs import is_stand_in
from pipeline.running.cpu import without_collection
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
    with without_collection():  # a tenth of the time of a large dataset of which little is new
        files, annotations, missing, warnings = _looked_up(name, settings)
    infos = inspect_files(files, cache, workers, deadline_s, progress)
    with without_collection():
        videos = _videos(files, infos, annotations, missing)
        warnings += shared_between_splits(videos)
        return manifest.of(name, files.root, videos, warnings)


def _looked_up(name: str, settings: DatasetConfig) -> tuple[VideoFiles, Annotations, dict[str, str], list[str]]:
    """The files of a dataset, what its captions say, the videos that these miss and why, and warnings."""
    root = Path(settings.videos)
    left_out: list[str] = []
    by_name, warnings = annotations_of(name, settings)
    files = _find(settings, left_out, lambda: videos_in(by_name))
    warnings += left_out
    if not files and not (by_name and is_imported(settings)):
        raise AnnotationError(how_to_get(name, settings))
    annotations = match_files(by_name, files, warnings)
    missing = _missing(annotations, files, root)
    if missing and not is_imported(settings):
        refuse_unrelated(annotations, missing, settings)
        warnings += refuse_missing(name, settings, missing, annotations)
        annotations = {key: one for key, one in annotations.items() if not (settings.allow_partial and key in missing)}
    return _wanted(files, annotations, settings), annotations, missing, warnings


def _videos(
    files: VideoFiles, infos: Mapping[str, FileInfo], annotations: Annotations, missing: Mapping[str, str]
) -> Videos:
    """The videos of a manifest, in its order."""
    clips = clips_by_file(annotations)
    of_files = (
        rows_of(file, infos[file.video_id], _whole(annotations, file.video_id), clips.get(file.video_id, ()))
        for file in files
    )
    absent = [missing_row(key, one, missing[key]) for key, one in annotations.items() if key in missing]
    rows = heapq.merge(chain.from_iterable(of_files), sorted(absent, key=order), key=order)
    return gather(rows, bool(clips), any(caption.judged for one in annotations.values() for caption in one.captions))


def _missing(annotations: Annotations, files: VideoFiles, root: Path) -> dict[str, str]:
    """Name of each video or clip whose file is not there -> why."""
    there = set(files.ids)
    lacking = {key: video for key, one in annotations.items() if (video := one.video(key)) not in there}
    names = names_of(files if lacking else VideoFiles(root))
    return {key: why_missing(root, video, names) for key, video in lacking.items()}


def changes(before: Manifest, settings: DatasetConfig, cache: Path) -> dict[str, list[str]]:
    """Ids of the videos that are "new", "changed" or "gone" since the manifest `before`; reads no video."""
    files = _find(settings)
    columns = before.videos.ids, before.videos.contents, before.videos.column("problem")
    known = {
        name: content for name, content, problem in zip(*columns, strict=True) if not is_missing(name, content, problem)
    }
    has_clips = any(before.videos.column("span_s"))
    annotations = _matched(before.dataset, settings, files) if has_clips or settings.only_named else {}
    files = _wanted(files, annotations, settings)
    now = _contents_now(files, cached_infos(files, cache), annotations if has_clips else {})
    return {
        "new": [name for name in now if name not in known],
        "changed": [name for name, content in now.items() if name in known and known[name] != content],
        "gone": sorted(known.keys() - now.keys()),
    }


def _contents_now(files: VideoFiles, infos: dict[str, FileInfo], annotations: Annotations) -> dict[str, str]:
    """Id -> content of each video and clip that has a file; empty where that was not inspected as it is now."""
    clips = clips_by_file(annotations)
    if not clips:
        return {video_id: infos[video_id].content if video_id in infos else "" for video_id in files.ids}
    now: dict[str, str] = {}
    for file in files:
        info, whole, named = infos.get(file.video_id), _whole(annotations, file.video_id), clips.get(file.video_id, ())
        rows = rows_of(file, info or FileInfo(""), whole, named)
        now |= {row.video_id: row.content if info else "" for row in rows}
    return now


def _matched(name: str, settings: DatasetConfig, files: VideoFiles) -> Annotations:
    """The captions as they are now; none where they cannot be read, which is told when the manifest is built."""
    try:
        return match_files(annotations_of(name, settings)[0], files, [])
    except AnnotationError:
        return {}


def _find(
    settings: DatasetConfig, left_out: list[str] | None = None, named: Callable[[], Collection[str]] | None = None
) -> VideoFiles:
    """As `find_videos`; empty when the folder of a known dataset is missing, since it may have imported features.

    `named`: names in the captions, by default read from the captions file.
    """
    root = Path(settings.videos)
    if settings.annotations and not root.is_dir():
        return VideoFiles(root)
    if named or settings.captions in {None, *SIDECARS}:
        return find_videos(root, left_out, named or tuple)
    captions = Path(settings.captions or "")
    return find_videos(root, left_out, lambda: _named_in(settings), lambda endings: may_hold(captions, endings))


def _wanted(files: VideoFiles, annotations: Annotations, settings: DatasetConfig) -> VideoFiles:
    """The files that are in the dataset: of those named alone also what may have them, and cannot be looked through."""
    if not settings.only_named:
        return files
    return files.only({*videos_in(annotations), *filter(is_stand_in, files.irregular)})


def _whole(annotations: Annotations, video_id: str) -> Annotation | None:
    """What is said of the whole video: a clip may be called like another file."""
    found = annotations.get(video_id)
    return found if found and not found.clip else None


def _named_in(settings: DatasetConfig) -> Collection[str]:
    """The names in a captions file; none where it cannot be read, which is told when the manifest is built."""
    try:
        return videos_in(read_annotations(settings))
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
    if plain["annotations"] and not plain["annotations"]["clips"]:
        del plain["annotations"]["clips"]  # as before there was such a key: an old scan stands
    if not plain["only_named"]:
        del plain["only_named"]
    irrelevant = ("model", "max_failed_fraction", "demo", "parts", "segment", "gallery", "near_duplicates")
    return {key: value for key, value in plain.items() if key not in irrelevant}
