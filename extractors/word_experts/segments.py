"""Joins the words of a video to segments: what is said between two silences, or a line of text in a frame.

R words, S segments, D feature.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors.text.tokens import sentence
from pipeline.stores.parts import Features

STARTS_LINE = "starts_line"
"""Extra (R,), whether a word is the first of its line; without it silences part the segments."""
WORD_TIMES = "word_times_s"
"""Extra (S,), start and end of each word of a segment: "0.12-0.50 0.50-0.81"; its text has one space between words."""


def join(words: Features, silence_s: float, vectors_of: Callable[[Sequence[str]], NDArray[np.float32]]) -> Features:
    """One row (S, D) for each segment, by `vectors_of` its texts; R >= 1.

    A segment lasts from the start of its first word to the end of its last, has the mean confidence of its words and
    the box around theirs; of what else is kept beside the words, it has that of its first word.
    """
    extras = dict(words.extras)
    starts_line = extras.pop(STARTS_LINE, None)
    ends_s = np.maximum.accumulate(words.times_s[:, 1])
    is_new = words.times_s[1:, 0] - ends_s[:-1] > silence_s
    if starts_line is not None:
        is_new = np.asarray(starts_line[1:], bool)
    groups = np.split(np.arange(len(words.values)), np.flatnonzero(is_new) + 1)
    words_of = [["".join(str(word).split()) for word in extras["text"][group]] for group in groups]
    times_s = np.array([[words.times_s[group, 0].min(), words.times_s[group, 1].max()] for group in groups])
    joined = {name: np.stack([_joined(name, values[group]) for group in groups]) for name, values in extras.items()}
    spans = [" ".join(f"{start:.2f}-{end:.2f}" for start, end in words.times_s[group]) for group in groups]
    kept = joined | {
        "text": np.array([" ".join(of_group) for of_group in words_of], np.str_),
        WORD_TIMES: np.array(spans, np.str_),
    }
    return Features(vectors_of([sentence(of_group) for of_group in words_of]), times_s, kept)


def _joined(name: str, values: NDArray[Any]) -> NDArray[Any]:
    """What a segment keeps of an extra of its words."""
    if name == "confidence":
        return np.asarray(values.mean(), values.dtype)
    if name == "box_px":
        return np.concatenate([values[:, :2].min(axis=0), values[:, 2:].max(axis=0)])
    return np.asarray(values[0])
