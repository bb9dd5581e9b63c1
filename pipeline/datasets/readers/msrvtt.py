"""Reads MSR-VTT: the JSON files of the 2016 challenge, and the lists of the two other splits in use.

full: 6513 training, 497 validation and 2990 test videos. 1k-a: JSFusion's 1000 test videos with one given caption each;
all other videos are for training. 1k-b: Miech's lists, with the first caption of each test video.
"""

from collections.abc import Iterable
from pathlib import Path

from pipeline.datasets.annotations import Annotation, Caption
from pipeline.datasets.readers.parsing import (
    annotation,
    check_variant,
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


def read(folder: Path, variant: str) -> dict[str, Annotation] | None:
    """Video name -> split and captions, or None when the JSON files are missing."""
    check_variant(variant, VARIANTS)
    for names in OFFICIAL:
        if all((folder / name).exists() for name in names):
            videos = _videos(folder / name for name in names)
            break
    else:
        return None
    if variant == "1k-a":
        return _jsfusion(videos, folder / JSFUSION)
    return _miech(videos, folder) if variant == "1k-b" else videos


def _videos(paths: Iterable[Path]) -> dict[str, Annotation]:
    """The videos of all files with their official splits."""
    splits: dict[str, str] = {}
    texts: dict[str, list[str]] = {}
    for path in paths:
        data = read_json(path)
        try:
            splits |= {video["video_id"]: SPLITS[video["split"]] for video in data["videos"]}
            for entry in data["sentences"]:
                texts.setdefault(entry["video_id"], []).append(entry["caption"])
        except (KeyError, TypeError, AttributeError) as error:
            raise malformed(path, error) from None
    return {video: annotation(split, texts.get(video, ())) for video, split in splits.items()}


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
        name: Annotation("test", (chosen[name],)) if name in chosen else Annotation("train", annotation.captions)
        for name, annotation in videos.items()
    }
