"""MSR-VTT: the JSON files of the 2016 challenge, and the two other splits in use.

full: 6513 videos to train on, 497 to validate, 2990 to test. 1k-a: JSFusion's 1000 test videos, one given caption each,
and all other videos to train on. 1k-b: Miech's lists, the first caption of each test video.
"""

import csv
from collections.abc import Iterable
from pathlib import Path

from pipeline.datasets.annotations import Annotation, Caption
from pipeline.datasets.readers.parsing import annotation, check_variant, malformed, read_json, read_lines, sentence
from pipeline.errors import AnnotationError

FILES = "train_val_videodatainfo.json and test_videodatainfo.json (or MSRVTT_data.json)"
VARIANTS = ("full", "1k-a", "1k-b")

OFFICIAL = (("train_val_videodatainfo.json", "test_videodatainfo.json"), ("MSRVTT_data.json",))
JSFUSION = "MSRVTT_JSFUSION_test.csv"
MIECH = ("train_list_miech.txt", "test_list_miech.txt")
SPLITS = {"train": "train", "validate": "val", "test": "test"}


def read(folder: Path, variant: str) -> dict[str, Annotation] | None:
    """Video name -> split and captions, or None when the JSON files are not there."""
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
    """The official splits."""
    splits: dict[str, str] = {}
    texts: dict[str, list[str]] = {}
    for path in paths:
        data = read_json(path)
        try:
            splits |= {video["video_id"]: SPLITS[video["split"]] for video in data["videos"]}
            for said in data["sentences"]:
                texts.setdefault(said["video_id"], []).append(said["caption"])
        except (KeyError, TypeError, AttributeError) as error:
            raise malformed(path, error) from None
    return {video: annotation(split, texts.get(video, ())) for video, split in splits.items()}


def _jsfusion(videos: dict[str, Annotation], path: Path) -> dict[str, Annotation]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            chosen = {row["video_id"]: sentence(row["sentence"]) for row in csv.DictReader(file)}
    except FileNotFoundError:
        raise AnnotationError(
            f"{path}: no such file; it names the 1000 test videos of 1k-A and the caption of each"
        ) from None
    except (OSError, KeyError, AttributeError, UnicodeDecodeError, csv.Error) as error:
        raise malformed(path, error) from None
    return _split(videos, chosen, path)


def _miech(videos: dict[str, Annotation], folder: Path) -> dict[str, Annotation]:
    train, test = (folder / name for name in MIECH)
    for path in (train, test):
        if not path.exists():
            raise AnnotationError(f"{path}: no such file; it comes with the released features of MSR-VTT")
    chosen = {name: videos[name].captions[0] for name in read_lines(test) if name in videos and videos[name].captions}
    listed = set(read_lines(train))
    others = {name: said for name, said in videos.items() if name in listed or name in chosen}
    return _split(others, chosen, test)


def _split(videos: dict[str, Annotation], chosen: dict[str, Caption], path: Path) -> dict[str, Annotation]:
    """The chosen videos become the test split, with the chosen caption alone; all others the training split."""
    strange = chosen.keys() - videos.keys()
    if strange:
        raise AnnotationError(f"{path}: {min(strange)} is in no JSON file of MSR-VTT")
    return {
        name: Annotation("test", (chosen[name],)) if name in chosen else Annotation("train", said.captions)
        for name, said in videos.items()
    }
