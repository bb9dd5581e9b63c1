"""Reads YouCook2: sentences on the steps of a recipe, which together are the paragraph of a video."""

from pathlib import Path

from pipeline.datasets.annotations import Annotation
from pipeline.datasets.readers.parsing import annotation, check_variant, malformed, read_json

FILES = "youcookii_annotations_trainval.json"
VARIANTS = ("paragraph",)

SUBSETS = {"training": "train", "validation": "test"}
"""The captions of the owners' test split are not public; results are reported on their validation split."""


def read(folder: Path, variant: str) -> dict[str, Annotation] | None:
    """Video name (the YouTube id) -> split and sentences; None when the file is missing."""
    check_variant(variant, VARIANTS)
    path = folder / FILES
    if not path.exists():
        return None
    try:
        return {
            video: annotation(SUBSETS[entry["subset"]], [step["sentence"] for step in entry["annotations"]])
            for video, entry in read_json(path)["database"].items()
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise malformed(path, error) from None
