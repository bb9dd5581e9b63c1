"""The columns of a report: raw scores both ways, and what else is made of the same scores, each under its own name.

C captions, V videos, S seeds, N queries (captions or videos).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation.bootstrap import intervals
from models.evaluation.metrics import (
    caption_ranks,
    each_caption_ranks,
    over_seeds,
    same_caption_ranks,
    summary,
    video_ranks,
)
from models.evaluation.querybank import dual_softmax, normalise

RAW, BACK = "t2v", "v2t"


@dataclass(frozen=True)
class Scored:
    """A split as one network scored it."""

    scores: NDArray[np.float32]
    """(C, V)"""
    caption_video: NDArray[np.int64]
    """(C,)"""
    captions: Sequence[str]
    """C"""
    bank: NDArray[np.float32] | None
    """(N, V) scores of training captions with the same videos; None where there are none."""


@dataclass(frozen=True)
class Column:
    """One way to make ranks of scores."""

    name: str
    label: str
    note: str
    by_video: bool
    """Whether the queries are the videos, not the captions."""
    ranks: Callable[[Scored], NDArray[np.float64] | None]
    """Of each query, from 0; None where it cannot be had."""


def _with_bank(one: Scored) -> NDArray[np.float64] | None:
    if one.bank is None:
        return None
    return caption_ranks(normalise(one.scores, one.bank), one.caption_video)


COLUMNS = (
    Column(RAW, "caption finds video", "", False, lambda one: caption_ranks(one.scores, one.caption_video)),
    Column(BACK, "video finds caption", "any of its own captions counts", True,
           lambda one: video_ranks(one.scores, one.caption_video)),
    Column("t2v_querybank", "caption finds video, QB-Norm", "normalised by a bank of training captions", False,
           _with_bank),
    Column("t2v_dual_softmax", "caption finds video, dual softmax",
           "uses all test captions at once, as no search can: not comparable with the others", False,
           lambda one: caption_ranks(dual_softmax(one.scores), one.caption_video)),
    Column("t2v_same_caption", "caption finds video, equal captions",
           "any video counts that bears exactly that caption", False,
           lambda one: same_caption_ranks(one.scores, one.caption_video, one.captions)),
    Column("v2t_each_caption", "video finds caption, each on its own",
           "every caption competes for its video, with the video's other captions too", False,
           lambda one: each_caption_ranks(one.scores, one.caption_video)),
)  # fmt: skip


def every_rank(one: Scored) -> dict[str, NDArray[np.float64]]:
    """Name of column -> ranks (N,) from 0, of all columns that can be had."""
    ranks = {column.name: column.ranks(one) for column in COLUMNS}
    return {name: found for name, found in ranks.items() if found is not None}


def worth(ranks: Sequence[NDArray[np.float64]], owners: NDArray[np.int64], num_videos: int) -> dict[str, Any]:
    """Metric -> mean, std, seeds, and for the first recalls `interval`; of ranks (N,) of each of S seeds."""
    found = over_seeds([summary(one) for one in ranks])
    for name, interval in intervals(np.stack(ranks), owners, num_videos).items():
        found[name]["interval"] = interval
    return found


def variants(
    ranks: Sequence[Mapping[str, NDArray[np.float64]]], caption_video: NDArray[np.int64], num_videos: int
) -> dict[str, dict[str, Any]]:
    """Name of each column but the raw ones -> label, note, numbers of queries and gallery, metrics over the seeds.

    `ranks` are those of `every_rank`, seed by seed.
    """
    return {
        column.name: {
            "label": column.label,
            "note": column.note,
            "queries": len(caption_video),
            "gallery": len(caption_video) if column.name.startswith(BACK) else num_videos,
            "metrics": worth([one[column.name] for one in ranks], caption_video, num_videos),
        }
        for column in COLUMNS
        if column.name in ranks[0] and column.name not in {RAW, BACK}
    }
