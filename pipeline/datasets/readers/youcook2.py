"""Reads YouCook2: sentences on the steps of a recipe, each with the seconds of the video in which it is done.

paragraph: the sentences together are the paragraph of a video. clips: each step is a clip with its sentence, the way in
which most results on retrieval are reported.
"""

from pathlib import Path
from typing import Any

from pipeline.datasets.annotations import Annotation
from pipeline.datasets.clips import Clip
from pipeline.datasets.readers.parsing import annotation, check_variant, malformed, read_json

FILES = "youcookii_annotations_trainval.json"
VARIANTS = ("paragraph", "clips")

SUBSETS = {"training": "train", "validation": "test"}
"""The captions of the owners' test split are not public; results are reported on their validation split."""


def read(folder: Path, variant: str) -> dict[str, Annotation] | None:
    """Video name (the YouTube id) or name of a clip of it -> split and sentences; None when the file is missing."""
    check_variant(variant, VARIANTS)
    path = folder / FILES
    if not path.exists():
        return None
    try:
        videos: dict[str, Any] = read_json(path)["database"]
        if variant == "clips":
            return {clip.name: one for video, entry in videos.items() for clip, one in _steps(video, entry)}
        return {
            video: annotation(SUBSETS[entry["subset"]], [step["sentence"] for step in entry["annotations"]])
            for video, entry in videos.items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise malformed(path, error) from None


def _steps(video: str, entry: dict[str, Any]) -> list[tuple[Clip, Annotation]]:
    """Each step of a recipe that takes any time, with its sentence."""
    found = []
    for step in entry["annotations"]:
        start_s, end_s = map(float, step["segment"])
        clip = Clip(video, start_s, end_s, f"{video}_{int(step['id'])}")
        if not 0 <= start_s < end_s:
            raise ValueError(f"{clip.id} begins at {start_s:g} s and ends at {end_s:g} s")
        one = annotation(SUBSETS[entry["subset"]], [step["sentence"]])
        found.append((clip, Annotation(one.split, one.captions, clip)))
    return found
