"""YouCook2: sentences on the steps of a recipe; all those of a video together are the paragraph it is searched by."""

from pathlib import Path

from pipeline.datasets.annotations import Annotation
from pipeline.datasets.readers.parsing import annotation, check_variant, malformed, read_json

FILES = "youcookii_annotations_trainval.json"
VARIANTS = ("paragraph",)

SUBSETS = {"training": "train", "validation": "test"}
"""The owners keep the captions of their test split; their validation split is what is reported on."""


def read(folder: Path, variant: str) -> dict[str, Annotation] | None:
    """Video name (the id at YouTube) -> split and sentences; None when the file is not there."""
    check_variant(variant, VARIANTS)
    path = folder / FILES
    if not path.exists():
        return None
    try:
        return {
            video: annotation(SUBSETS[said["subset"]], [step["sentence"] for step in said["annotations"]])
            for video, said in read_json(path)["database"].items()
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise malformed(path, error) from None
