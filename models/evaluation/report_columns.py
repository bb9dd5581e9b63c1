"""The columns of a report: ranks by raw scores in both directions, and by variants such as QB-Norm.

C captions, V videos, S seeds, N queries (captions or videos).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation.bootstrap import intervals
from models.evaluation.metrics import (
    Ranks,
    caption_ranks,
    each_caption_ranks,
    over_seeds,
    same_caption_ranks,
    summary,
    video_ranks,
)
from models.evaluation.querybank import dual_softmax, normalise

T2V, V2T = "t2v", "v2t"
SELECTED = "t2v_selector"


@dataclass(frozen=True)
class Scored:
    """The scores that one network gives a split."""

    scores: NDArray[np.float32]
    """(C, V)"""
    caption_video: NDArray[np.int64]
    """(C,), the video of each caption."""
    captions: Sequence[str]
    """The text of each of the C captions."""
    bank: NDArray[np.float32] | None
    """(N, V) scores of a querybank of training captions against the same videos; None without a querybank."""
    selected: NDArray[np.float32] | None = None
    """(C, V) scores with a selector's weights of the experts; None where the model has no selector."""


@dataclass(frozen=True)
class Column:
    """One way to rank by scores."""

    name: str
    label: str
    note: str
    by_video: bool
    """Whether the queries are the videos instead of the captions."""
    ranks: Callable[[Scored], Ranks | None]
    """Gives the ranks of the queries; None where the column needs what there is not."""


def _with_bank(split: Scored) -> Ranks | None:
    if split.bank is None:
        return None
    return caption_ranks(normalise(split.scores, split.bank), split.caption_video)


def _selected(split: Scored) -> Ranks | None:
    return None if split.selected is None else caption_ranks(split.selected, split.caption_video)


COLUMNS = (
    Column(T2V, "caption finds video", "", False, lambda split: caption_ranks(split.scores, split.caption_video)),
    Column(V2T, "video finds caption", "any of its own captions counts", True,
           lambda split: video_ranks(split.scores, split.caption_video)),
    Column("t2v_querybank", "caption finds video, QB-Norm", "normalised by a bank of training captions", False,
           _with_bank),
    Column("t2v_dual_softmax", "caption finds video, dual softmax",
           "uses all test captions at once, as no search can: not comparable with the others", False,
           lambda split: caption_ranks(dual_softmax(split.scores), split.caption_video)),
    Column("t2v_same_caption", "caption finds video, equal captions",
           "any video counts that bears exactly that caption", False,
           lambda split: same_caption_ranks(split.scores, split.caption_video, split.captions)),
    Column("v2t_each_caption", "video finds caption, each on its own",
           "every caption competes for its video, with the video's other captions too", False,
           lambda split: each_caption_ranks(split.scores, split.caption_video)),
    Column(SELECTED, "caption finds video, weights by score lists",
           "the experts weigh what their score lists for the caption say, as fitted on the validation split", False,
           _selected),
)  # fmt: skip


def all_ranks(split: Scored) -> dict[str, Ranks]:
    """Name of a column -> ranks of its queries; without a querybank or a selector its column is missing."""
    ranks = {column.name: column.ranks(split) for column in COLUMNS}
    return {name: found for name, found in ranks.items() if found is not None}


def metrics_with_intervals(ranks: Sequence[Ranks], owners: NDArray[np.int64], num_videos: int) -> dict[str, Any]:
    """Metric -> mean, std, seeds, and for R@1, R@5, R@10 `interval`; `ranks`: for each of S seeds."""
    found = over_seeds([summary(seed_ranks) for seed_ranks in ranks])
    for name, interval in intervals(ranks, owners, num_videos).items():
        found[name]["interval"] = interval
    return found


def variants(
    ranks: Sequence[Mapping[str, Ranks]], caption_video: NDArray[np.int64], num_videos: int
) -> dict[str, dict[str, Any]]:
    """Name of each column but the raw ones -> label, note, sizes of queries and gallery, metrics over the seeds.

    `ranks`: the result of `all_ranks` for each seed.
    """
    return {
        column.name: {
            "label": column.label,
            "note": column.note,
            "queries": len(caption_video),
            "gallery": len(caption_video) if column.name.startswith(V2T) else num_videos,
            "metrics": metrics_with_intervals([columns[column.name] for columns in ranks], caption_video, num_videos),
        }
        for column in COLUMNS
        if column.name in ranks[0] and column.name not in {T2V, V2T}
    }
