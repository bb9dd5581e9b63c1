"""The videos of a dataset: what each one is (by content), what is said about it, what is wrong with it."""

import dataclasses
import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.datasets.annotations import Caption
from pipeline.errors import StoreError
from pipeline.stores import atomic, fingerprint

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
    atomic.write_text(path, json.dumps(body, ensure_ascii=False, indent=1))


def write_pointer(folder: Path, look: str, name: str) -> None:
    """Remembers which manifest the dataset's folder has when it looks like `look` (see `scan_digest`)."""
    atomic.write_text(folder / f"look-{look}.json", json.dumps({"manifest": name}))


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
