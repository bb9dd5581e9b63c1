"""Whether one model finds videos better than another, or only by chance: their reports' ranks, caption by caption."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation.bootstrap import compare
from pipeline.errors import TrainingError
from pipeline.reports.report import read_ranks

Query = tuple[str, str, int]
"""Video, caption, and which one of several equal captions of that video."""


def compare_reports(one: Path, other: Path) -> dict[str, Any]:
    """How much better the report in `other` is, as plain JSON: for R@1, R@5, R@10 difference, interval and p.

    TrainingError when the two are not on the same captions.
    """
    first, second = _ranks(one), _ranks(other)
    if first.keys() != second.keys():
        raise TrainingError(
            f"the reports in {one} and {other} rank different captions, {len(first.keys() - second.keys())} of the one "
            f"and {len(second.keys() - first.keys())} of the other alone; compare models on the same dataset and split"
        )
    videos = {video: index for index, video in enumerate(dict.fromkeys(video for video, _, _ in first))}
    owners = np.array([videos[video] for video, _, _ in first], np.int64)
    ours, theirs = _matrix(list(first.values())), _matrix([second[query] for query in first])
    differences = compare(ours, theirs, owners, len(videos))
    recalls = {name: dataclasses.asdict(difference) for name, difference in differences.items()}
    return {"captions": len(owners), "videos": len(videos), "recalls": recalls}


def _ranks(folder: Path) -> dict[Query, list[float]]:
    """Each query with its ranks, one for each seed."""
    ranks: dict[Query, list[float]] = {}
    seen: dict[tuple[str, str], int] = {}
    for video, caption, found in read_ranks(folder):
        place = seen[video, caption] = seen.get((video, caption), -1) + 1
        ranks[video, caption, place] = found
    return ranks


def _matrix(ranks: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """(S, N) from 0."""
    return np.array(ranks, np.float64).T - 1
