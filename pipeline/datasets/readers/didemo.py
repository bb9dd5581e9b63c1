"""Reads DiDeMo: descriptions of moments, which together are the paragraph of a video."""

from pathlib import Path
from typing import Any

from pipeline.datasets.annotations import Annotation
from pipeline.datasets.readers.parsing import check_variant, read_split_files

FILES = "train_data.json, val_data.json and test_data.json"
VARIANTS = ("paragraph",)

PARTS = {"train": "train_data.json", "val": "val_data.json", "test": "test_data.json"}


def read(folder: Path, variant: str) -> dict[str, Annotation] | None:
    """Video name, cut at the first dot, -> split and descriptions; None when a file is missing."""
    check_variant(variant, VARIANTS)
    return read_split_files(folder, PARTS, _descriptions)


def _descriptions(moments: Any) -> dict[str, list[str]]:
    texts: dict[str, list[str]] = {}
    for moment in moments:
        # The suffix is that of the uploaded file; the copies of the videos in use have others.
        texts.setdefault(moment["video"].partition(".")[0], []).append(moment["description"])
    return texts
