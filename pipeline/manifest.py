"""The videos of a dataset: what each one is (by content), what is said about it, what is wrong with it."""

import dataclasses
import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline import fingerprint, store
from pipeline.annotations import Annotation, Caption, DatasetConfig, annotation_files
from pipeline.errors import AnnotationError, StoreError
from pipeline.files import FileFacts, Found, find_videos, inspect_files, plain_name, remembered
from pipeline.missing import how_to_get, is_imported
from pipeline.protocol import Said, annotations_of

MANIFEST_VERSION = 1

MISSING = "no such file"

UNLABELLED = ""
"""The split of a video that the captions file does not name: extracted and searchable, not trained or tested on."""


@dataclass(frozen=True)
class Video:
    """One video of a dataset."""

    video_id: str
    """Its path below the dataset's folder, so that equal names in two folders stay apart."""
    content: str
    """Names what is in it: its bytes and those of its subtitle file, whatever it is called."""
    split: str
    captions: tuple[Caption, ...]
    duration_s: float
    has_video: bool
    has_audio: bool
    has_subtitles: bool
    note: str = ""
    """A shortfall of a file that is damaged but can be used."""
    problem: str = ""
    """Why it cannot be used at all; empty when it can."""


@dataclass(frozen=True)
class Manifest:
    """All videos of a dataset, sorted by id."""

    dataset: str
    root: Path
    fingerprint: str
    videos: tuple[Video, ...]
    warnings: tuple[str, ...] = ()
    """What sets the dataset apart from what it is known to be."""

    def path(self, video: Video) -> Path:
        """Where the file of `video` lies."""
        return self.root / video.video_id

    def split(self, name: str) -> list[Video]:
        """The captioned videos of a split."""
        return [video for video in self.videos if video.split == name and video.captions]


def scan_digest(name: str, settings: DatasetConfig) -> str:
    """12 hex digits of what the folder looks like from outside (names, sizes, dates) and of the dataset's settings.

    Only decides whether the files must be looked into again, never whether a result is stale.
    """
    looks = [[found.video_id, *found.stamp, *found.sidecar_stamp] for found in _find(settings)]
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
    annotations = _by_file(said, found, warnings)
    missing = set(annotations.keys() - {item.video_id for item in found})
    if missing and not is_imported(settings):
        _refuse_strangers(annotations, missing, settings)
        warnings += _refuse_missing(name, settings, missing, annotations)
        annotations = {key: one for key, one in annotations.items() if not (settings.allow_partial and key in missing)}
    facts = inspect_files(found, cache, workers, deadline_s, progress)
    here = {item.video_id for item in found}
    videos = [_video(item, facts[item.video_id], annotations.get(item.video_id)) for item in found]
    videos += [_missing(key, one) for key, one in annotations.items() if key not in here]
    videos.sort(key=lambda video: video.video_id)
    warnings += _shared_between_splits(videos)
    return Manifest(name, root, fingerprint.fingerprint(recipe(name, videos)), tuple(videos), tuple(warnings))


def _shared_between_splits(videos: list[Video]) -> list[str]:
    """What is trained on and tested on under two names, as a warning: scores on it say nothing."""
    splits: dict[str, set[str]] = {}
    for video in videos:
        if video.split != UNLABELLED and not video.problem:
            splits.setdefault(video.content, set()).add(video.split)
    shared = {content for content, found in splits.items() if len(found) > 1}
    names = [video.video_id for video in videos if video.content in shared]
    if not names:
        return []
    return [f"{len(shared)} videos are in more than one split under different names, e.g. {' and '.join(names[:2])}"]


def _find(settings: DatasetConfig) -> list[Found]:
    """The videos; none when a known dataset's folder is not there, for its features may be."""
    root = Path(settings.videos)
    return [] if settings.annotations and not root.is_dir() else find_videos(root)


def _deciding(settings: DatasetConfig) -> dict[str, Any]:
    """The settings that decide a manifest."""
    plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(settings)))
    others = ("model", "max_failed_fraction", "demo", "parts")
    return {key: value for key, value in plain.items() if key not in others}


def _refuse_strangers(annotations: Said, missing: set[str], settings: DatasetConfig) -> None:
    """AnnotationError when captions and videos have nothing to do with each other."""
    if not annotations.keys() - missing:
        where = settings.captions or (settings.annotations.folder if settings.annotations else "")
        raise AnnotationError(f"{where}: names {min(missing)!r} and others, none of which is in {settings.videos}")


def _refuse_missing(name: str, settings: DatasetConfig, missing: set[str], annotations: Said) -> list[str]:
    """A warning about missing files; AnnotationError for a known dataset, unless partial ones are allowed."""
    told = f"{len(missing)} of {len(annotations)} captioned videos are not in {settings.videos}, e.g. {min(missing)}"
    if settings.annotations and not settings.allow_partial:
        raise AnnotationError(
            f"{name}: {told}; put them there, or go on without them with --allow-partial: results then compare with "
            "nobody's"
        )
    return [f"{told}; they are left out"] if settings.allow_partial else []


def _by_file(annotations: Said, found: list[Found], warnings: list[str]) -> Said:
    """The annotations by video id; AnnotationError when two names of one file put it in two splits.

    A name without its suffix, or without suffix and folders, stands for the one file that it fits; one that fits
    several is left as it is, with a warning.
    """
    fitting = names_of(found)
    resolved: Said = {}
    for name, said in annotations.items():
        fits = fitting.get(name, {name})
        if len(fits) > 1:
            warnings.append(f"{name!r} may be any of {', '.join(sorted(fits)[:3])}: say which, with folder and suffix")
        video_id = name if len(fits) > 1 else min(fits)
        before = resolved.get(video_id, Annotation(said.split, ()))
        if before.split != said.split:
            raise AnnotationError(f"{video_id}: under one name in split {before.split!r}, as {name} in {said.split!r}")
        resolved[video_id] = Annotation(before.split, before.captions + said.captions)
    return resolved


def names_of(found: list[Found]) -> dict[str, set[str]]:
    """What a video may be called -> the ids of those that may be meant; its own id means it alone."""
    names: dict[str, set[str]] = {}
    for item in found:
        path = PurePosixPath(item.video_id)
        for name in {str(path.with_suffix("")), plain_name(item.video_id), path.name}:
            names.setdefault(name, set()).add(item.video_id)
    return names | {item.video_id: {item.video_id} for item in found}


def recipe(dataset: str, videos: list[Video]) -> fingerprint.Recipe:
    """What decides a manifest: which videos (by content), with which captions, in which splits."""
    listed = [
        [video.video_id, video.content, video.split, [[caption.text, *caption.tags] for caption in video.captions]]
        for video in videos
    ]
    return {"stage": "manifest", "version": MANIFEST_VERSION, "dataset": dataset, "videos": listed}


def save(manifest: Manifest, folder: Path) -> None:
    """`folder/<fingerprint>/manifest.json`, whole or not at all."""
    body = {"warnings": manifest.warnings, "videos": [dataclasses.asdict(video) for video in manifest.videos]}
    path = folder / manifest.fingerprint / "manifest.json"
    store.write_text(path, json.dumps(body, ensure_ascii=False, indent=1))


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


def write_pointer(folder: Path, look: str, name: str) -> None:
    """Remembers which manifest the dataset's folder has when it looks like `look` (see `scan_digest`)."""
    store.write_text(folder / f"look-{look}.json", json.dumps({"manifest": name}))


def read_pointer(folder: Path, look: str) -> str | None:
    """The fingerprint of the manifest for that look, or None when there is none yet."""
    try:
        name: str = json.loads((folder / f"look-{look}.json").read_text(encoding="utf-8"))["manifest"]
        return name if (folder / name / "manifest.json").exists() else None
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None  # a damaged pointer costs one more look into the folder


def forget_looks(folder: Path) -> None:
    """The dataset's folder is looked into again, whatever it looks like."""
    for pointer in folder.glob("look-*.json"):
        pointer.unlink()


def load(dataset: str, root: Path, folder: Path, name: str) -> Manifest:
    """The manifest with the fingerprint `name` that `save` wrote."""
    return Manifest(dataset, root, name, *_load_videos(folder / name / "manifest.json"))


@functools.lru_cache(maxsize=8)
def _load_videos(path: Path) -> tuple[tuple[Video, ...], tuple[str, ...]]:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        return tuple(_from_json(item) for item in body["videos"]), tuple(body.get("warnings", ()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path}: not a manifest ({error!r}); delete its folder and run again") from None


def _from_json(item: dict[str, Any]) -> Video:
    captions = tuple(Caption(caption["text"], tuple(caption["tags"])) for caption in item.pop("captions"))
    return Video(captions=captions, **item)


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
