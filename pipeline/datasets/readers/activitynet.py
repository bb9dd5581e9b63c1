"""Reads ActivityNet Captions: timed sentences, which together are the paragraph of a video.

val1: the videos of val_1.json are the test split, and all of train.json the training split. As clips: each sentence is
one of the seconds that it was written for.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pipeline.datasets.annotations import Annotation
from pipeline.datasets.readers.parsing import check_variant, read_split_clips, read_split_files

FILES = "train.json and val_1.json"
VARIANTS = ("val1",)

PARTS = {"train": "train.json", "test": "val_1.json"}


def read(folder: Path, variant: str) -> dict[str, Annotation] | None:
    """Video name `v_<youtube id>` -> split and sentences in order of time; None when a file is missing."""
    check_variant(variant, VARIANTS)
    return read_split_files(folder, PARTS, _sentences)


def _sentences(videos: Any) -> dict[str, Iterable[str]]:
    return {video: entry["sentences"] for video, entry in videos.items()}


def read_clips(folder: Path, variant: str) -> dict[str, Annotation] | None:
    """Clip name `v_<youtube id>#t=<start>,<end>` -> split and the sentences on it; None when a file is missing."""
    check_variant(variant, VARIANTS)
    return read_split_clips(folder, PARTS, _timed)


def _timed(videos: Any) -> Iterator[tuple[str, Any, Any, str]]:
    for video, entry in videos.items():
        times, texts = entry["timestamps"], entry["sentences"]
        if len(times) != len(texts) or any(len(span) != 2 for span in times):
            raise TypeError(f"{video}: no two times for each sentence")
        yield from ((video, *span, text) for span, text in zip(times, texts, strict=True))
