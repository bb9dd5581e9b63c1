"""Reads MSR-VTT: the JSON files of the 2016 challenge, and the lists of the two other splits in use.

full: 6513 training, 497 validation and 2990 test videos. 1k-a: JSFusion's 1000 test videos with one given caption each;
all other videos are for training. 1k-b: Miech's lists, with the first caption of each test video. As clips: pieces, by
"start time" and "end time", of whole videos that are called by their ids at YouTube; each keeps the name video<n>.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pipeline.datasets.annotations import Annotation, Caption
from pipeline.datasets.clips import Clip, ClipNames
from pipeline.datasets.readers.parsing import (
    annotation,
    check_variant,
    clip_of,
    malformed,
    read_columns,
    read_json,
    read_lines,
    sentence,
)
from pipeline.errors import AnnotationError

FILES = "train_val_videodatainfo.json and test_videodatainfo.json (or MSRVTT_data.json)"
VARIANTS = ("full", "1k-a", "1k-b")

OFFICIAL = (("train_val_videodatainfo.json", "test_videodatainfo.json"), ("MSRVTT_data.json",))
JSFUSION = "MSRVTT_JSFUSION_test.csv"
MIECH = ("train_list_miech.txt", "test_list_miech.txt")
SPLITS = {"train": "train", "validate": "val", "test": "test"}

_ID = re.compile(r"[A-Za-z0-9_-]{11}")
"""Of a video at YouTube."""

ClipOf = Callable[[dict[str, Any], Path], Clip | None]
"""The clip that an entry of the videos in a file is; None: a whole video."""


def read(folder: Path, variant: str) -> dict[str, Annotation] | None:
    """Video name -> split and captions, or None when the JSON files are missing."""
    return _read(folder, variant, lambda video, path: None)


def read_clips(folder: Path, variant: str) -> dict[str, Annotation] | None:
    """As `read`, each of the piece of a whole video that it was cut from; AnnotationError where that is not told."""

    def clip(video: dict[str, Any], path: Path) -> Clip:
        whole = _youtube_id(video["url"], path)
        return clip_of(ClipNames(), whole, video["start time"], video["end time"], path, video["video_id"])

    return _read(folder, variant, clip)


def _read(folder: Path, variant: str, clip: ClipOf) -> dict[str, Annotation] | None:
    check_variant(variant, VARIANTS)
    for names in OFFICIAL:
        if all((folder / name).exists() for name in names):
            videos = _videos((folder / name for name in names), clip)
            break
    else:
        return None
    if variant == "1k-a":
        return _jsfusion(videos, folder / JSFUSION)
    return _miech(videos, folder) if variant == "1k-b" else videos


def _videos(paths: Iterable[Path], clip: ClipOf) -> dict[str, Annotation]:
    """The videos of all files with their official splits."""
    found: dict[str, Annotation] = {}
    texts: dict[str, list[str]] = {}
    for path in paths:
        data = read_json(path)
        try:
            for video in data["videos"]:
                found[video["video_id"]] = Annotation(SPLITS[video["split"]], (), clip(video, path))
            for entry in data["sentences"]:
                texts.setdefault(entry["video_id"], []).append(entry["caption"])
        except (KeyError, TypeError, AttributeError) as error:
            raise malformed(path, error) from None
    return {
        video: replace(one, captions=annotation(one.split, texts.get(video, ())).captions)
        for video, one in found.items()
    }


def _youtube_id(address: str, path: Path) -> str:
    """The id in the address of a page, e.g. https://www.youtube.com/watch?v=9lZi22qLlEo."""
    parts = urlsplit(address)
    found = parse_qs(parts.query).get("v", [parts.path.rpartition("/")[2]])[0]
    if not _ID.fullmatch(found):
        raise AnnotationError(f"{path}: {address[:80]!a} names no video at YouTube; get the file again")
    return found


def _jsfusion(videos: dict[str, Annotation], path: Path) -> dict[str, Annotation]:
    """The 1k-a split."""
    if not path.exists():
        raise AnnotationError(f"{path}: no such file; it names the 1000 test videos of 1k-A and the caption of each")
    chosen = {name: sentence(text) for name, text in read_columns(path, "video_id", "sentence")}
    return _split(videos, chosen, path)


def _miech(videos: dict[str, Annotation], folder: Path) -> dict[str, Annotation]:
    """The 1k-b split; videos in neither list are left out."""
    train, test = (folder / name for name in MIECH)
    for path in (train, test):
        if not path.exists():
            raise AnnotationError(f"{path}: no such file; it comes with the released features of MSR-VTT")
    chosen = {name: videos[name].captions[0] for name in read_lines(test) if name in videos and videos[name].captions}
    train_names = set(read_lines(train))
    used = {name: annotation for name, annotation in videos.items() if name in train_names or name in chosen}
    return _split(used, chosen, test)


def _split(videos: dict[str, Annotation], chosen: dict[str, Caption], path: Path) -> dict[str, Annotation]:
    """The chosen videos as the test split, with only the chosen caption; all others as the training split."""
    unknown = chosen.keys() - videos.keys()
    if unknown:
        raise AnnotationError(f"{path}: {min(unknown)} is in no JSON file of MSR-VTT")
    return {
        name: replace(one, split="test", captions=(chosen[name],)) if name in chosen else replace(one, split="train")
        for name, one in videos.items()
    }
