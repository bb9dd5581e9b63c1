"""Where in a video something stands out: intervals with what says so, for the time line of a hit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST = 6
"""Intervals of one video by one engine and expert, the best ones."""


@dataclass(frozen=True)
class Moment:
    """An interval of a video that matches a query, and what says so."""

    engine: str
    expert: str
    start_s: float
    end_s: float
    """At least `start_s`, and the same where only a point is known."""
    score: float | None
    """In the terms of the engine, higher is better; None for a word, which is there or not."""
    text: str = ""
    """The word or the name of the label; empty where the engine has none."""


@dataclass(frozen=True)
class Peak:
    """Neighbouring rows that stand out."""

    start_s: float
    end_s: float
    best: int
    """The row with the highest score."""
    score: float
    """Its score."""


def peaks(
    starts_s: NDArray[np.floating], ends_s: NDArray[np.floating], scores: NDArray[np.floating], floor: float = 0.0
) -> list[Peak]:
    """At most MOST runs of the N rows, (N,) each, whose score is above `floor` and stands out, in order of time.

    A score stands out that is at least half way from the mean of all to the highest; equal ones all do.
    """
    if not len(scores) or float(scores.max()) <= floor:
        return []
    high = (scores > floor) & (scores >= (float(scores.mean()) + float(scores.max())) / 2 - 1e-6)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], high.astype(np.int8), [0]])))
    runs = [_peak(starts_s, ends_s, scores, first, end) for first, end in edges.reshape(-1, 2).tolist()]
    best = sorted(runs, key=lambda run: (-run.score, run.start_s))[:MOST]
    return sorted(best, key=lambda run: run.start_s)


def _peak(
    starts_s: NDArray[np.floating], ends_s: NDArray[np.floating], scores: NDArray[np.floating], first: int, end: int
) -> Peak:
    best = first + int(scores[first:end].argmax())
    return Peak(
        round(float(starts_s[first]), 3), round(float(ends_s[first:end].max()), 3), best, round(float(scores[best]), 6)
    )


def ends(starts_s: NDArray[np.floating], duration_s: float) -> NDArray[np.float64]:
    """(N,), where each of N frames ends: where the next begins, the last with the video."""
    last = [max(duration_s, float(starts_s[-1]))] if len(starts_s) else []
    return np.concatenate([np.asarray(starts_s[1:], np.float64), last])
