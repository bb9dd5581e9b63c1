"""The part of a report that follows from ranks alone: metrics, tags, histogram, and the place of each caption."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.evaluation.evaluate import similarities
from models.evaluation.metrics import Ranks, over_seeds, summary
from models.evaluation.report_columns import T2V, V2T, Scored, all_ranks, metrics_with_intervals, variants
from models.inputs.batches import Collection
from models.inputs.load import Split
from models.networks.ce import CE

Columns = Mapping[str, Ranks]
"""Name of a report column -> the ranks of its queries."""

Selected: TypeAlias = Callable[[CE, Collection, NDArray[np.float32]], NDArray[np.float32]]
"""Gives scores (C, V) with a selector's weights, from a network, a split and the network's own scores of it."""


def ranks_of(model: CE, data: Split, captions: Collection | None, selected: Selected | None = None) -> Columns:
    """Ranks for each column of the report; `captions`: the querybank with the videos of `data`, None without one.

    `selected`: gives the scores with a selector's weights, from the network, the split and its own scores.
    """
    scores = similarities(model, data.collection)
    bank_scores = None if captions is None else similarities(model, captions)
    chosen = selected(model, data.collection, scores) if selected else None
    return all_ranks(Scored(scores, data.collection.caption_video, data.captions, bank_scores, chosen))


def body(data: Split, ranks: Mapping[int, Columns]) -> dict[str, Any]:
    """The part of a report that follows from the ranks alone; `ranks`: seed -> ranks."""
    owners, num_videos = data.collection.caption_video, data.collection.num_videos
    raw = [columns[T2V] for columns in ranks.values()]
    return {
        "seeds": list(ranks),
        "gallery": {"videos": num_videos, "captions": len(data.captions)},
        "blind": [video.video_id for video in data.blind],
        T2V: metrics_with_intervals(raw, owners, num_videos),
        V2T: metrics_with_intervals([columns[V2T] for columns in ranks.values()], np.arange(num_videos), num_videos),
        "variants": variants(list(ranks.values()), owners, num_videos),
        "chance": {f"R@{k}": 100 * min(1.0, k / num_videos) for k in (1, 5, 10, 50)},
        "tags": _by_tag(data, raw),
        "rank_histogram": _histogram(raw, num_videos),
        "queries": _queries(data, raw),
    }


def _by_tag(data: Split, ranks: list[Ranks]) -> dict[str, dict[str, Any]]:
    """Tag (a modality) -> metrics of the captions that have it, and of those that have no other tag."""
    tags = sorted({tag for tags in data.tags for tag in tags})
    return {
        tag: {
            "with_others": _subset([tag in tags for tags in data.tags], ranks),
            "alone": _subset([tags == (tag,) for tags in data.tags], ranks),
        }
        for tag in tags
    }


def _subset(chosen: list[bool], ranks: list[Ranks]) -> dict[str, Any]:
    """Number of chosen captions, and their metrics; empty metrics when there are none."""
    rows = np.array(chosen)
    scores = over_seeds([summary(seed_ranks.take(rows)) for seed_ranks in ranks]) if rows.any() else {}
    return {"captions": int(rows.sum()), "t2v": scores}


def _histogram(ranks: list[Ranks], num_videos: int) -> list[dict[str, float]]:
    """Bins of ranks `first` to `last` (from 1) with the percentage of captions, over all seeds, that fall into them.

    A caption whose video ties counts in several bins by its share, as in the recalls.
    """
    edges = [1, 2, 3, 4, 6, 11, 21, 51, 101, 1001]
    edges = [edge for edge in edges if edge <= num_videos] + [num_videos + 1]
    within = [np.mean([of_seed.hits(edge - 1).mean() for of_seed in ranks]) for edge in edges]
    shares = 100 * np.diff(within)
    return [
        {"first": first, "last": after - 1, "percent": float(share)}
        for first, after, share in zip(edges[:-1], edges[1:], shares, strict=True)
    ]


def _queries(data: Split, ranks: list[Ranks]) -> list[dict[str, Any]]:
    """Each caption with its video, its tags and its place (see `pipeline.reports.report.Place`) for each seed."""
    owners = data.collection.caption_video
    places = np.array([of_seed.mean + 1 for of_seed in ranks]).T.tolist()
    equal = np.array([of_seed.equal for of_seed in ranks]).T.tolist()
    return [
        {
            "caption": text,
            "video": data.videos[int(owners[index])].video_id,
            "tags": list(tags),
            "ranks": places[index],
            "equal": equal[index],
        }
        for index, (text, tags) in enumerate(zip(data.captions, data.tags, strict=True))
    ]
