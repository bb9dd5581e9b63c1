"""ActivityNet Captions: sentences with times; all those of a video together are the paragraph it is searched by.

val1: the videos of val_1.json are the test split, and all of train.json the training split.
"""

from pathlib import Path

from pipeline.datasets.annotations import Annotation
from pipeline.datasets.readers.parsing import annotation, check_variant, malformed, read_json

FILES = "train.json and val_1.json"
VARIANTS = ("val1",)

PARTS = {"train": "train.json", "test": "val_1.json"}


def read(folder: Path, variant: str) -> dict[str, Annotation] | None:
    """Video name `v_<youtube id>` -> split and sentences in the order of their times; None when a file is missing."""
    check_variant(variant, VARIANTS)
    if not all((folder / name).exists() for name in PARTS.values()):
        return None
    found: dict[str, Annotation] = {}
    for split, name in PARTS.items():
        try:
            videos = read_json(folder / name).items()
            found |= {video: annotation(split, said["sentences"]) for video, said in videos}
        except (KeyError, TypeError, AttributeError) as error:
            raise malformed(folder / name, error) from None
    return found
