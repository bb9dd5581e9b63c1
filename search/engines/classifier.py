"""What one classifier recognised in each frame of the videos of an index, as label words need it.

V videos, N frames (or clips, or pieces of sound), L classes, K classes kept of each frame.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.zero_shot.label_words import LabelVectors, TopLabels
from search.engines.peaks import Peak, ends, peaks

FOLDER = "label_words"
"""In an index."""


@dataclass(frozen=True)
class Classifier:
    """What one expert recognised in the V videos of the index in `folder`; read when it is needed."""

    folder: Path
    expert: str

    @cached_property
    def labels(self) -> LabelVectors:
        """The sentence vectors of the L classes."""
        with np.load(self.file("labels.npz")) as arrays:
            return LabelVectors(arrays["descriptions"], arrays["synonyms"], arrays["offsets"])

    @cached_property
    def names(self) -> list[str]:
        """The name of each class."""
        names: list[str] = json.loads(self.file("names.json").read_text(encoding="utf-8"))
        return names

    @cached_property
    def top(self) -> TopLabels:
        """The classes of the N frames."""
        classes = np.load(self.file("classes.npy"), mmap_mode="r")
        probabilities = np.load(self.file("probabilities.npy"), mmap_mode="r")
        return TopLabels(classes, probabilities, self._frames["offsets"])

    @property
    def starts_s(self) -> NDArray[np.float64]:
        """(N,), start of each frame."""
        starts_s: NDArray[np.float64] = self._frames["starts_s"]
        return starts_s

    @cached_property
    def _frames(self) -> dict[str, NDArray[Any]]:
        with np.load(self.file("frames.npz")) as arrays:
            return dict(arrays)

    def file(self, name: str) -> Path:
        """Path of one of its files."""
        return self.folder / FOLDER / f"{self.expert}.{name}"

    def times_s(self, row: int, duration_s: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Starts and ends (n,) of the frames of a video of this length."""
        starts_s = self.starts_s[self.top.offsets[row] : self.top.offsets[row + 1]]
        return starts_s, ends(starts_s, duration_s)

    def moments_of(self, label: str, row: int, duration_s: float, floor: float) -> list[Peak]:
        """Where in a video of this length the probability of a label is above `floor` and stands out."""
        if label not in self.names:
            return []
        top = self.of_video(row)
        probabilities = np.where(top.classes == self.names.index(label), top.probabilities, 0).max(axis=1, initial=0)
        return peaks(*self.times_s(row, duration_s), probabilities, floor)

    def of_video(self, row: int) -> TopLabels:
        """What was recognised in one video."""
        span = slice(self.top.offsets[row], self.top.offsets[row + 1])
        count = span.stop - span.start
        return TopLabels(self.top.classes[span], self.top.probabilities[span], np.array([0, count], np.int64))
