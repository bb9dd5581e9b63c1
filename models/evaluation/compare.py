"""Compares two reports by a paired test on the ranks of their captions."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models.evaluation.bootstrap import compare
from models.evaluation.metrics import Ranks
from pipeline.errors import TrainingError
from pipeline.reports.report import Place, read_ranks

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
    differences = compare(_by_seed(list(first.values())), _by_seed(matched), owners, len(videos))
    recalls = {name: dataclasses.asdict(difference) for name, difference in differences.items()}
    return {"captions": len(owners), "videos": len(videos), "recalls": recalls}


def _ranks(folder: Path) -> dict[Query, list[Place]]:
    """Query -> where its video stands with each seed."""
    ranks: dict[Query, list[Place]] = {}
    last_index: dict[tuple[str, str], int] = {}
    for video, caption, places in read_ranks(folder):
        index = last_index[video, caption] = last_index.get((video, caption), -1) + 1
        ranks[video, caption, index] = places
    return ranks


def _by_seed(places: Sequence[Sequence[Place]]) -> list[Ranks]:
    """For each of S seeds the ranks of N queries, of N lists of S places."""
    by_seed = np.array(places, np.float64).transpose(1, 2, 0)
    ones = np.ones(len(places), np.int64)
    # A caption has one right video, which stands in the middle of those that tie with it.
    return [
        Ranks(np.rint(rank - 1 - (equal - 1) / 2).astype(np.int64), np.rint(equal).astype(np.int64) - 1, ones)
        for rank, equal in by_seed
    ]
