"""Reads QVHighlights: queries on videos of 150 s, each with the windows of the video in which it is true.

Lei et al., NeurIPS 2021. The owners kept the windows of the test split back at first and published them later in a file
of its own, which is read in place of the other where it is there; without it the test split has no windows, and so no
moments to be scored.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.datasets.annotations import Annotation, Caption
from pipeline.datasets.readers.parsing import check_variant, malformed, read_json_lines, sentence
from pipeline.errors import AnnotationError

FILES = (
    "highlight_train_release.jsonl, highlight_val_release.jsonl, and highlight_test_with_gt.jsonl (or "
    "highlight_test_release.jsonl, without windows)"
)
VARIANTS = ("official",)

TABLES = {
    "train": ("highlight_train_release.jsonl",),
    "val": ("highlight_val_release.jsonl",),
    "test": ("highlight_test_with_gt.jsonl", "highlight_test_release.jsonl"),
}


def read(folder: Path, variant: str) -> dict[str, Annotation] | None:
    """Video name `<youtube id>_<start>_<end>` -> split and queries with their windows; None when a file is missing."""
    check_variant(variant, VARIANTS)
    found = {split: [folder / name for name in names if (folder / name).exists()] for split, names in TABLES.items()}
    if not all(found.values()):
        return None
    annotations: dict[str, Annotation] = {}
    for split, (path, *_) in found.items():
        for where, video, caption in _queries(path):
            before = annotations.get(video, Annotation(split, ()))
            if before.split != split:
                raise AnnotationError(f"{where}: {video} is in the {before.split} split too; get the files again")
            annotations[video] = Annotation(split, (*before.captions, *([caption] if caption.text else [])))
    return annotations


def _queries(path: Path) -> Iterator[tuple[str, str, Caption]]:
    """(file and line, video, query) of each line."""
    for where, row in read_json_lines(path):
        try:
            windows_s = tuple(_window(window) for window in row.get("relevant_windows", ()))
            yield where, str(row["vid"]), Caption(sentence(row["query"]).text, (), str(row["qid"]), 1, windows_s)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise malformed(where, error) from None


def _window(given: Any) -> tuple[float, float]:
    start_s, end_s = map(float, given)
    if not 0 <= start_s < end_s < float("inf"):
        raise ValueError(f"{given} is no window of a video")
    return start_s, end_s
