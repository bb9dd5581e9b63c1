"""Reads VATEX: clips of ten seconds with ten English and ten Chinese captions.

official: training, validation and public test files, of which the last has English captions only. hgr: as results on
retrieval are reported, with halves of the validation file as validation and test split, by the lists that came with
"Fine-grained Video-Text Retrieval with Hierarchical Graph Reasoning" (Chen et al., CVPR 2020). -zh: the Chinese
captions. -spans: the videos are there as a whole, and the clips are pieces of them; without it, each clip is a file.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from pipeline.datasets.annotations import Annotation
from pipeline.datasets.clips import Clip
from pipeline.datasets.names import plain_name
from pipeline.datasets.readers.parsing import annotation, check_variant, malformed, read_json, read_lines
from pipeline.errors import AnnotationError

FILES = "vatex_training_v1.0.json, vatex_validation_v1.0.json and vatex_public_test_english_v1.1.json"
VARIANTS = ("official", "official-spans", "hgr", "hgr-spans", "hgr-zh", "hgr-zh-spans")

TRAIN, VALIDATION, TEST = FILES.replace(" and ", ", ").split(", ")
LISTS = {"val": "val_list.txt", "test": "test_list.txt"}
"""Names of the clips of the validation file that are in each half, one a line."""

_CLIP = re.compile(r"(.+)_([0-9]{6})_([0-9]{6})")


def read(folder: Path, variant: str) -> dict[str, Annotation] | None:
    """Clip name `<youtube id>_<start>_<end>` -> split and captions, or None when a JSON file is missing."""
    check_variant(variant, VARIANTS)
    is_hgr, key = variant.startswith("hgr"), "chCap" if "-zh" in variant else "enCap"
    files = {"train": TRAIN, "val": VALIDATION} | ({} if is_hgr else {"test": TEST})
    if not all((folder / name).exists() for name in files.values()):
        return None
    annotations: dict[str, Annotation] = {}
    for split, name in files.items():
        annotations |= _captions(folder / name, split, key)
    if is_hgr:
        annotations = _halved(annotations, folder)
    return {name: _piece(name, one) for name, one in annotations.items()} if "-spans" in variant else annotations


def _captions(path: Path, split: str, key: str) -> dict[str, Annotation]:
    try:
        return {clip["videoID"]: annotation(split, clip[key]) for clip in read_json(path)}
    except (KeyError, TypeError, AttributeError) as error:
        raise malformed(path, error) from None


def _halved(annotations: dict[str, Annotation], folder: Path) -> dict[str, Annotation]:
    """The training clips, and those of the validation file that a list names; others are left out."""
    splits = {name: "train" for name, one in annotations.items() if one.split == "train"}
    for split, file in LISTS.items():
        if not (folder / file).exists():
            raise AnnotationError(f"{folder / file}: no such file; it names the clips of the {split} split, one a line")
        splits |= dict.fromkeys(_known(map(plain_name, read_lines(folder / file)), annotations, folder / file), split)
    return {name: replace(one, split=splits[name]) for name, one in annotations.items() if name in splits}


def _known(names: Iterable[str], annotations: dict[str, Annotation], path: Path) -> list[str]:
    listed = list(names)
    wrong = [name for name in listed if name not in annotations or annotations[name].split == "train"]
    if wrong:
        raise AnnotationError(f"{path}: {wrong[0][:80]!r} is no clip of {VALIDATION}; get the files again")
    return listed


def _piece(name: str, one: Annotation) -> Annotation:
    """The annotation of a clip as one of a piece of the whole video, which is called by its id at YouTube."""
    found = _CLIP.fullmatch(name)
    if not found or int(found[2]) >= int(found[3]):
        raise AnnotationError(
            f"{name[:80]!r}: a clip of VATEX is called <youtube id>_<start>_<end>, e.g. x_000010_000020"
        )
    return replace(one, clip=Clip(found[1], float(found[2]), float(found[3]), name))
