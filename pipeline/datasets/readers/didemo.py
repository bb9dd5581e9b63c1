"""DiDeMo: descriptions of moments; all those of a video together are the paragraph that it is searched by."""

from pathlib import Path

from pipeline.datasets.annotations import Annotation
from pipeline.datasets.readers.parsing import annotation, check_variant, malformed, read_json

FILES = "train_data.json, val_data.json and test_data.json"
VARIANTS = ("paragraph",)

PARTS = {"train": "train_data.json", "val": "val_data.json", "test": "test_data.json"}


def read(folder: Path, variant: str) -> dict[str, Annotation] | None:
    """Video name, cut at the first dot, -> split and descriptions; None when a file is not there."""
    check_variant(variant, VARIANTS)
    if not all((folder / name).exists() for name in PARTS.values()):
        return None
    found: dict[str, Annotation] = {}
    for split, name in PARTS.items():
        texts: dict[str, list[str]] = {}
        try:
            for moment in read_json(folder / name):
                # The suffix here is that of the upload; copies of the videos in use carry others.
                texts.setdefault(moment["video"].partition(".")[0], []).append(moment["description"])
        except (KeyError, TypeError, AttributeError) as error:
            raise malformed(folder / name, error) from None
        found |= {video: annotation(split, said) for video, said in texts.items()}
    return found
