"""Joins the words of a video to segments: what is said between two silences, a line in frames, a sentence of a caption.

R words, S segments, D feature.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors.text.folding import fold
from extractors.text.tokens import sentence
from pipeline.stores.parts import Features

STARTS_LINE = "starts_line"
"""Extra (R,), whether a word is the first of its line; without it silences part the segments."""
WORD_TIMES = "word_times_s"
"""Extra (S,), start and end of each word of a segment: "0.12-0.50 0.50-0.81"; its text has one space between words."""


@dataclass(frozen=True)
class Cuts:
    """Where segments end."""

    silence_s: float
    """What is said after a silence that is longer is another segment."""
    longest_s: float = math.inf
    """What is said for longer without such a silence is cut at its longest pauses."""
    merge_s: float = -math.inf
    """A line or sentence that is there again after a gap that is no longer is the same one."""


def join(words: Features, cuts: Cuts, vectors_of: Callable[[Sequence[str]], NDArray[np.float32]]) -> Features:
    """One row (S, D) for each segment, by `vectors_of` its texts; R >= 1.

    A segment lasts from the start of its first word to the end of its last, has the mean confidence of its words and
    the box around theirs; of what else is kept beside the words, it has that of its first word. A line that stays over
    frames is one row from its first to its last time, with what is kept of where it was read best.
    """
    extras = dict(words.extras)
    starts_line = extras.pop(STARTS_LINE, None)
    rows = np.arange(len(words.values))
    if starts_line is None:
        groups = _parted(words.times_s, rows, cuts)
    else:
        groups = np.split(rows, np.flatnonzero(np.asarray(starts_line[1:], bool)) + 1)
    words_of = [["".join(str(word).split()) for word in extras["text"][group]] for group in groups]
    spans = [words.times_s[group] for group in groups]
    kept = {name: np.stack([_joined(name, values[group]) for group in groups]) for name, values in extras.items()}
    chosen = list(range(len(groups)))
    if starts_line is not None:
        chosen, spans = _merged(words_of, spans, kept.get("confidence"), cuts.merge_s)
    kept = {name: values[chosen] for name, values in kept.items()} | {
        "text": np.array([" ".join(words_of[one]) for one in chosen], np.str_),
        WORD_TIMES: np.array([_written(span) for span in spans], np.str_),
    }
    times_s = np.array([[span[:, 0].min(), span[:, 1].max()] for span in spans])
    return Features(vectors_of([sentence(words_of[one]) for one in chosen]), times_s, kept)


def _parted(times_s: NDArray[np.float64], rows: NDArray[np.int64], cuts: Cuts) -> list[NDArray[np.int64]]:
    """The rows of what is said, parted at long silences, and what is still too long at its longest pauses."""
    ends_s = np.maximum.accumulate(times_s[:, 1])
    pauses_s = times_s[1:, 0] - ends_s[:-1]
    waiting = np.split(rows, np.flatnonzero(pauses_s > cuts.silence_s) + 1)[::-1]
    groups: list[NDArray[np.int64]] = []
    while waiting:
        group = waiting.pop()
        if len(group) == 1 or times_s[group, 1].max() - times_s[group[0], 0] <= cuts.longest_s:
            groups.append(group)
            continue
        # Of equal pauses, as of words whose times are made up, the one in the middle.
        middle = np.abs(np.arange(1, len(group)) - len(group) / 2)
        at = int(np.lexsort((middle, -np.round(pauses_s[group[:-1]], 3)))[0]) + 1
        waiting += [group[at:], group[:at]]
    return groups


def _merged(
    words_of: Sequence[Sequence[str]],
    spans: Sequence[NDArray[np.float64]],
    confidence: NDArray[np.float32] | None,
    merge_s: float,
) -> tuple[list[int], list[NDArray[np.float64]]]:
    """The segment that stands for each run of equal ones, in the order of their first, and the times of its words."""
    runs: list[list[int]] = []
    open_runs: dict[tuple[str, ...], list[int]] = {}
    for number, (words, span) in enumerate(zip(words_of, spans, strict=True)):
        key = tuple(map(fold, words))
        run = open_runs.get(key)
        if run and span[0, 0] > spans[run[-1]][0, 0] and span[0, 0] - spans[run[-1]][:, 1].max() <= merge_s:
            run.append(number)
        else:
            open_runs[key] = [number]
            runs.append(open_runs[key])
    best = [run[0] if confidence is None else max(run, key=lambda one: confidence[one]) for run in runs]
    return best, [np.stack([spans[run[0]][:, 0], spans[run[-1]][:, 1]], axis=1) for run in runs]


def _written(span: NDArray[np.float64]) -> str:
    return " ".join(f"{start:.2f}-{end:.2f}" for start, end in span)


def _joined(name: str, values: NDArray[Any]) -> NDArray[Any]:
    """What a segment keeps of an extra of its words."""
    if name == "confidence":
        return np.asarray(values.mean(), values.dtype)
    if name == "box_px":
        return np.concatenate([values[:, :2].min(axis=0), values[:, 2:].max(axis=0)])
    return np.asarray(values[0])
