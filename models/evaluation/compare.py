"""Compares two reports by a paired test on the ranks of their captions."""

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
"""Video, caption, and index among equal captions of that video."""


def compare_reports(one: Path, other: Path) -> dict[str, Any]:
    """By how much the report in `other` is above the one in `one`, as plain JSON: difference, interval and p-value.

    Raises TrainingError when the two do not rank the same captions.
    """
    first, second = _ranks(one), _ranks(other)
    if first.keys() != second.keys():
        raise TrainingError(
            f"the reports in {one} and {other} rank different captions, {len(first.keys() - second.keys())} of the one "
            f"and {len(second.keys() - first.keys())} of the other alone; compare models on the same dataset and split"
        )
    videos = {video: index for index, video in enumerate(dict.fromkeys(video for video, _, _ in first))}
    owners = np.array([videos[video] for video, _, _ in first], np.int64)
    matched = [second[query] for query in first]
    differences = compare(_matrix(list(first.values())), _matrix(matched), owners, len(videos))
    recalls = {name: dataclasses.asdict(difference) for name, difference in differences.items()}
    return {"captions": len(owners), "videos": len(videos), "recalls": recalls}


def _ranks(folder: Path) -> dict[Query, list[float]]:
    """Query -> its rank (from 1) for each seed."""
    ranks: dict[Query, list[float]] = {}
    last_index: dict[tuple[str, str], int] = {}
    for video, caption, found in read_ranks(folder):
        index = last_index[video, caption] = last_index.get((video, caption), -1) + 1
        ranks[video, caption, index] = found
    return ranks


def _matrix(ranks: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """(S, N) ranks from 0, of N lists of S ranks from 1."""
    return np.array(ranks, np.float64).T - 1
