"""Looks over a dataset's folder: how it looks from outside, what is in it, and what changed since the last time."""

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.datasets.annotations import Annotation, DatasetConfig, annotation_files
from pipeline.datasets.availability import how_to_get, is_imported
from pipeline.datasets.files import FileFacts, Found, find_videos, inspect_files, remembered
from pipeline.datasets.manifest import MANIFEST_VERSION, MISSING, UNLABELLED, Manifest, Video, recipe
from pipeline.datasets.matching import by_file, refuse_missing, refuse_strangers, shared_between_splits
from pipeline.datasets.protocol import annotations_of
from pipeline.errors import AnnotationError
from pipeline.stores import fingerprint


def scan_digest(name: str, settings: DatasetConfig) -> str:
    """12 hex digits of what the folder looks like from outside (names, sizes, dates) and of the dataset's settings.

    Only decides whether the files must be looked into again, never whether a result is stale.
    """
    looks = [_seen(found) for found in _find(settings)]
    stats = [(path.name, path.stat()) for path in annotation_files(settings)]
    return fingerprint.fingerprint(
        {
            "version": MANIFEST_VERSION,
            "dataset": name,
            "settings": _deciding(settings),
            "captions": [[name, stat.st_size, stat.st_mtime_ns] for name, stat in stats],
            "looks": looks,
        }
    )


def build(
    name: str,
    settings: DatasetConfig,
    cache: Path,
    workers: int,
    deadline_s: float,
    progress: Callable[[int, int], None] | None = None,
) -> Manifest:
    """The manifest of a dataset: reads each file that is new or changed once, and the captions."""
    root = Path(settings.videos)
    found = _find(settings)
    said, warnings = annotations_of(name, settings)
    if not found and not (said and is_imported(settings)):
        raise AnnotationError(how_to_get(name, settings))
    annotations = by_file(said, found, warnings)
    missing = set(annotations.keys() - {item.video_id for item in found})
    if missing and not is_imported(settings):
        refuse_strangers(annotations, missing, settings)
        warnings += refuse_missing(name, settings, missing, annotations)
        annotations = {key: one for key, one in annotations.items() if not (settings.allow_partial and key in missing)}
    facts = inspect_files(found, cache, workers, deadline_s, progress)
    here = {item.video_id for item in found}
    videos = [_video(item, facts[item.video_id], annotations.get(item.video_id)) for item in found]
    videos += [_missing(key, one) for key, one in annotations.items() if key not in here]
    videos.sort(key=lambda video: video.video_id)
    warnings += shared_between_splits(videos)
    return Manifest(name, root, fingerprint.fingerprint(recipe(name, videos)), tuple(videos), tuple(warnings))


def changes(before: Manifest, settings: DatasetConfig, cache: Path) -> dict[str, list[str]]:
    """The videos that are new, changed or gone in the folder since the manifest `before`; reads no video."""
    found = _find(settings)
    known = {video.video_id: video for video in before.videos if video.problem != MISSING}
    facts = remembered(found, cache)
    changed = [
        item.video_id
        for item in found
        if item.video_id in known
        and (item.video_id not in facts or facts[item.video_id].content != known[item.video_id].content)
    ]
    here = {item.video_id for item in found}
    return {
        "new": [item.video_id for item in found if item.video_id not in known],
        "changed": changed,
        "gone": sorted(known.keys() - here),
    }


def _find(settings: DatasetConfig) -> list[Found]:
    """The videos; none when a known dataset's folder is not there, for its features may be."""
    root = Path(settings.videos)
    return [] if settings.annotations and not root.is_dir() else find_videos(root)


def _seen(found: Found) -> list[str | int]:
    """How one file looks from outside; `chmod` changes neither size nor date, but what can be read."""
    files = [found.path, *([found.sidecar] if found.sidecar else [])]
    closed = [path.suffix for path in files if path.exists() and not os.access(path, os.R_OK)]
    return [found.video_id, *found.stamp, *found.sidecar_stamp, *closed]


def _deciding(settings: DatasetConfig) -> dict[str, Any]:
    """The settings that decide a manifest."""
    plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(settings)))
    others = ("model", "max_failed_fraction", "demo", "parts")
    return {key: value for key, value in plain.items() if key not in others}


def _video(found: Found, facts: FileFacts, said: Annotation | None) -> Video:
    return Video(
        video_id=found.video_id,
        content=facts.content,
        split=said.split if said else UNLABELLED,
        captions=said.captions if said else (),
        duration_s=facts.duration_s,
        has_video=facts.has_video,
        has_audio=facts.has_audio,
        has_subtitles=facts.has_subtitles,
        note=facts.note,
        problem=facts.problem,
    )


def _missing(video_id: str, said: Annotation) -> Video:
    content = fingerprint.fingerprint({"missing": video_id})
    return Video(video_id, content, said.split, said.captions, 0.0, False, False, False, problem=MISSING)
