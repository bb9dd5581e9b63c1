"""Reads MSVD: lines of clip name and caption, and the standard split into 1200, 100 and 670 clips."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.datasets.annotations import Annotation
from pipeline.datasets.readers.parsing import annotation, check_variant, read_columns, read_lines
from pipeline.errors import AnnotationError

FILES = (
    "AllVideoDescriptions.txt (or the corpus as .csv), and train_list.txt, val_list.txt and test_list.txt "
    "(or youtube_mapping.txt)"
)
VARIANTS = ("official",)

TEXT = "AllVideoDescriptions.txt"
MAPPING = "youtube_mapping.txt"
LISTS = {"train": "train_list.txt", "val": "val_list.txt", "test": "test_list.txt"}

COLUMNS = "Language", "VideoID", "Start", "End", "Description"
"""Of the corpus as a table."""

FIRST_VAL, FIRST_TEST = 1201, 1301
"""Numbers in the mapping at which the splits begin: vid1 to vid1200 are the training split."""


def read(folder: Path, variant: str) -> dict[str, Annotation] | None:
    """Clip name `<youtube id>_<start>_<end>` -> split and captions, or None when files are missing."""
    check_variant(variant, VARIANTS)
    splits = _splits(folder)
    tables = sorted(folder.glob("*.csv"))
    if not splits or not ((folder / TEXT).exists() or tables):
        return None
    captions = _text(folder / TEXT) if (folder / TEXT).exists() else _table(tables[0])
    texts: dict[str, list[str]] = {}
    for clip, text in captions:
        texts.setdefault(clip, []).append(text)
    return {clip: annotation(split, texts.get(clip, ())) for clip, split in splits.items()}


def _splits(folder: Path) -> dict[str, str]:
    """Clip name -> split; empty when both the lists and the mapping are missing."""
    if all((folder / name).exists() for name in LISTS.values()):
        return {clip: split for split, name in LISTS.items() for clip in read_lines(folder / name)}
    path = folder / MAPPING
    return dict(_mapped(read_lines(path), path)) if path.exists() else {}


def _mapped(lines: Iterable[str], path: Path) -> Iterator[tuple[str, str]]:
    """(clip name, split) of each line of the mapping."""
    for line in lines:
        clip, _, number = line.rpartition(" vid")
        if not clip or not number.isdecimal():
            raise AnnotationError(f"{path}: expected lines like 'mv89psg6zh4_33_46 vid1', found {line[:60]!r}")
        yield clip.strip(), "train" if int(number) < FIRST_VAL else "val" if int(number) < FIRST_TEST else "test"


def _text(path: Path) -> Iterator[tuple[str, str]]:
    """(clip name, caption) of each line of AllVideoDescriptions.txt."""
    for line in read_lines(path):
        clip, _, text = line.partition(" ")
        if text and not line.startswith("#"):
            yield clip, text


def _table(path: Path) -> Iterator[tuple[str, str]]:
    """(clip name, caption) of the English rows of the multilingual corpus."""
    for language, video, start, end, text in read_columns(path, *COLUMNS):
        if language == "English":
            yield f"{video}_{start}_{end}", text
