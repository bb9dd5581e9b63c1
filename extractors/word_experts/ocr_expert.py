"""Base class of OCR experts: words in frames, with their text, box and confidence."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded
from extractors.frames.windows import FrameExtractor
from extractors.text.tokens import normalised, words
from extractors.word_experts.segments import STARTS_LINE
from extractors.word_experts.word_expert import WordExpert
from extractors.word_vectors import SegmentParams


class Word(NamedTuple):
    """A word recognised in a frame."""

    text: str
    confidence: float
    box_px: tuple[float, float, float, float]
    """Left, top, right, bottom."""
    starts_line: bool = True
    """Whether it is the first word of its line."""


class OcrExpert(WordExpert, FrameExtractor):
    """An expert with one vector for each word in a frame, with extras `text`, `confidence` and `box_px`."""

    def embed_frames(self, words_of_frames: Sequence[Sequence[Word]]) -> Embedded:
        """(R, D) vectors of the words of each frame; `box_px` (R, 4) is in pixels of the resized frame."""
        flat = [(item, word) for item, words in enumerate(words_of_frames) for word in words]
        extras: dict[str, NDArray[Any]] = {
            "confidence": np.array([word.confidence for _, word in flat], np.float32),
            "box_px": np.array([word.box_px for _, word in flat], np.float32).reshape(-1, 4),
        }
        if isinstance(self.params.words, SegmentParams):
            extras[STARTS_LINE] = np.array([word.starts_line for _, word in flat], bool)
        return self.embed_words([word.text for _, word in flat], [item for item, _ in flat], extras)


def split_line(text: str, confidence: float, corners: NDArray[np.float32]) -> list[Word]:
    """The words of a text line whose corners (4, 2) px are listed clockwise from the top left.

    The box of a word is computed as if all letters of the line were equally wide.
    """
    left_top, right_top, right_bottom, left_bottom = np.asarray(corners, np.float64)
    text = normalised(text)
    found: list[Word] = []
    for word in words(text):
        parts = np.array([[word.start], [word.end]]) / len(text)
        edges = [left_top + parts * (right_top - left_top), left_bottom + parts * (right_bottom - left_bottom)]
        points = np.concatenate(edges)
        found.append(Word(word.text, confidence, (*points.min(axis=0), *points.max(axis=0)), not found))
    return found
