"""The videos of a dataset: what each one is (by content), what is said about it, what is wrong with it."""

import dataclasses
import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline import fingerprint, store
from pipeline.annotations import Annotation, Caption, DatasetConfig, read_annotations
from pipeline.errors import AnnotationError, StoreError
from pipeline.files import FileFacts, Found, find_videos, inspect_files, remembered

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
    looks = [[found.video_id, *found.stamp, *found.sidecar_stamp] for found in find_videos(Path(settings.videos))]
    captions = Path(settings.captions) if settings.captions else None
    stat = captions.stat() if captions and captions.exists() else None
    return fingerprint.fingerprint(
        {
            "version": MANIFEST_VERSION,
            "dataset": name,
            "settings": {"videos": settings.videos, "captions": settings.captions},
            "fractions": dataclasses.asdict(settings.split_fractions),
            "captions": [stat.st_size, stat.st_mtime_ns] if stat else None,
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
    found = find_videos(root)
    annotations = _by_file(read_annotations(settings), found)
    if not found:
        raise AnnotationError(
            f"{root}: no videos there; put them there or change 'videos' in configs/datasets/{name}.yaml"
        )
    facts = inspect_files(found, cache, workers, deadline_s, progress)
    here = {item.video_id for item in found}
    videos = [_video(item, facts[item.video_id], annotations.get(item.video_id)) for item in found]
    videos += [_missing(video_id, said) for video_id, said in annotations.items() if video_id not in here]
    if annotations and not any(item.video_id in annotations for item in found):
        raise AnnotationError(
            f"{settings.captions}: names {next(iter(annotations))!r} and others, none of which is in {root}"
        )
    videos.sort(key=lambda video: video.video_id)
    return Manifest(name, root, fingerprint.fingerprint(recipe(name, videos)), tuple(videos))


def _by_file(annotations: dict[str, Annotation], found: list[Found]) -> dict[str, Annotation]:
    """The annotations by video id; a name without its suffix stands for the one file that it fits."""
    here = {item.video_id for item in found}
    by_stem: dict[str, list[str]] = {}
    for video_id in here:
        by_stem.setdefault(str(PurePosixPath(video_id).with_suffix("")), []).append(video_id)
    resolved: dict[str, Annotation] = {}
    for name, said in annotations.items():
        fits = by_stem.get(name, [])
        video_id = fits[0] if name not in here and len(fits) == 1 else name
        before = resolved.get(video_id, Annotation(said.split, ()))
        resolved[video_id] = Annotation(before.split, before.captions + said.captions)
    return resolved


def recipe(dataset: str, videos: list[Video]) -> fingerprint.Recipe:
    """What decides a manifest: which videos (by content), with which captions, in which splits."""
    listed = [
        [video.video_id, video.content, video.split, [[caption.text, *caption.tags] for caption in video.captions]]
        for video in videos
    ]
    return {"stage": "manifest", "version": MANIFEST_VERSION, "dataset": dataset, "videos": listed}


def save(manifest: Manifest, folder: Path) -> None:
    """`folder/<fingerprint>/manifest.json`, whole or not at all."""
    body = {"videos": [dataclasses.asdict(video) for video in manifest.videos]}
    path = folder / manifest.fingerprint / "manifest.json"
    store.write_text(path, json.dumps(body, ensure_ascii=False, indent=1))


def changes(before: Manifest, settings: DatasetConfig, cache: Path) -> dict[str, list[str]]:
    """The videos that are new, changed or gone in the folder since the manifest `before`; reads no video."""
    found = find_videos(Path(settings.videos))
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
    except FileNotFoundError:
        return None
    return name if (folder / name / "manifest.json").exists() else None


def load(dataset: str, root: Path, folder: Path, name: str) -> Manifest:
    """The manifest with the fingerprint `name` that `save` wrote."""
    return Manifest(dataset, root, name, _load_videos(folder / name / "manifest.json"))


@functools.lru_cache(maxsize=8)
def _load_videos(path: Path) -> tuple[Video, ...]:
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))["videos"]
        return tuple(_from_json(item) for item in listed)
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
