"""What experts that read words in frames have in common, whoever reads: words with their text, place and confidence."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded
from extractors.frames.windows import FrameExpert
from extractors.text.tokens import tokens
from extractors.word_experts.word_expert import WordExpert


class Word(NamedTuple):
    """A word read in a frame."""

    text: str
    confidence: float
    box_px: tuple[float, float, float, float]
    """Left, top, right, bottom."""


class ReadingExpert(WordExpert, FrameExpert):
    """An expert with a vector for each word in the picture, with extras `text`, `confidence` and `box_px`."""

    def embed_read(self, frames: Sequence[Sequence[Word]]) -> Embedded:
        """(R, D) vectors of the words of each frame; `box_px` (R, 4) is in pixels of the frame shown."""
        flat = [(item, word) for item, frame in enumerate(frames) for word in frame]
        extras: dict[str, NDArray[Any]] = {
            "confidence": np.array([word.confidence for _, word in flat], np.float32),
            "box_px": np.array([word.box_px for _, word in flat], np.float32).reshape(-1, 4),
        }
        return self.embed_words([word.text for _, word in flat], [item for item, _ in flat], extras)


def split_line(text: str, confidence: float, corners: NDArray[np.float32]) -> list[Word]:
    """The words of a line whose corners (4, 2) go clockwise from the top left.

    Each gets the part of the line that its letters take if all letters are equally wide.
    """
    left_top, right_top, right_bottom, left_bottom = np.asarray(corners, np.float64)
    found, end = [], 0
    for token in tokens(text):
        start = max(text.find(token, end), end)  # a ligature is spelled out in the token, and not found as such
        end = start + len(token)
        parts = np.array([[start], [end]]) / max(len(text), end)
        edges = [left_top + parts * (right_top - left_top), left_bottom + parts * (right_bottom - left_bottom)]
        points = np.concatenate(edges)
        found.append(Word(token, confidence, (*points.min(axis=0), *points.max(axis=0))))
    return found
