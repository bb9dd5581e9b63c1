"""When in its video a caption is true, without training: by the rows of experts that are aligned with text.

A window is predicted where rows are closer to the caption than those around it: the box that explains most of the
variance of a video's cosines, as Otsu's threshold does for the shades of a picture ("A Threshold Selection Method from
Gray-Level Histograms", 1979). N rows of a video, D length of a vector.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation.moments import MOST, Predicted, Query, measures
from models.inputs.load import Sources, Split
from models.zero_shot.label_words import unit_rows
from models.zero_shot.stored import text_vectors
from pipeline.stores.parts import Reader

MOST_ROWS = 256
"""Of a video; more are joined with their neighbours, since pairs of them are looked at."""
OVERLAP = 0.5
"""IoU above which the worse of two predicted windows is left out."""
WHOLE = "whole video"


def moment_rows(sources: Sources, data: Split) -> dict[str, dict[str, Any]]:
    """Name of each text-aligned expert, and WHOLE -> label, number of queries, and how well it finds their windows.

    Queries are the captions that know their windows; empty where there are none, or no such expert. A video of which
    the expert saw nothing is a miss.
    """
    asked, owners = data.asked, data.collection.caption_video
    queries = [place for place, caption in enumerate(asked) if caption.windows_s]
    if not queries or not sources.towers:
        return {}
    windows = [asked[place].windows_s for place in queries]
    texts = [asked[place].text for place in queries]
    videos = [data.videos[int(owners[place])] for place in queries]
    whole: list[Query] = [
        ([Predicted(0.0, video.duration_s, 0.0)], true) for video, true in zip(videos, windows, strict=True)
    ]
    found = {WHOLE: _row("the whole video, whatever is asked", whole)}
    for expert, tower in sources.towers.items():
        reader, units = Reader(sources.stores[expert]), text_vectors(tower.store, texts, tower.dim)
        asking = zip(videos, units, windows, strict=True)
        pairs: list[Query] = [
            (_predicted(reader, sources.key(expert, video), unit), true) for video, unit, true in asking
        ]
        found[expert] = _row(f"zero-shot by the rows of {expert}", pairs)
    return found


def _row(label: str, queries: Sequence[Query]) -> dict[str, Any]:
    return {"label": label, "queries": len(queries), "measures": measures(queries)}


def _predicted(reader: Reader, key: str, unit: NDArray[np.float32]) -> list[Predicted]:
    row = reader.features(key)
    if row is None or not len(row.values):
        return []
    cosines = unit_rows(row.values) @ unit
    return list(windows_of(row.times_s[:, 0], row.times_s[:, 1], cosines))


def windows_of(
    starts_s: NDArray[np.floating], ends_s: NDArray[np.floating], scores: NDArray[np.floating]
) -> Iterator[Predicted]:
    """At most MOST windows of a video, best first, by when its N rows, in order of time, begin and end, and by scores.

    One window of the whole video where all scores are the same.
    """
    edges = np.linspace(0, len(scores), min(len(scores), MOST_ROWS) + 1).astype(np.int64)
    first, last = edges[:-1], edges[1:] - 1
    starts, ends = np.asarray(starts_s, np.float64)[first], np.asarray(ends_s, np.float64)[last]
    sums = np.concatenate([[0.0], np.cumsum(np.asarray(scores, np.float64))])[edges]
    begin, end = np.triu_indices(len(first), 0)
    worth = _explained(sums, edges, begin, end + 1)
    if worth.max() <= 0:
        yield Predicted(float(starts[0]), float(ends.max()), 0.0)
        return
    kept = np.flatnonzero(worth > 0)
    kept = kept[np.argsort(-worth[kept], kind="stable")]
    from_s, until_s, worth = starts[begin[kept]], ends[end[kept]], worth[kept]
    for _ in range(MOST):
        if not len(worth):
            return
        yield Predicted(float(from_s[0]), float(until_s[0]), float(worth[0]))
        shared = np.clip(np.minimum(until_s, until_s[0]) - np.maximum(from_s, from_s[0]), 0, None)
        union = (until_s - from_s) + (until_s[0] - from_s[0]) - shared
        free = shared <= OVERLAP * union
        free[0] = False
        from_s, until_s, worth = from_s[free], until_s[free], worth[free]


def _explained(
    sums: NDArray[np.float64], edges: NDArray[np.int64], begin: NDArray[np.int64], end: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The variance between each box of rows and the rest of the video; below 0 where the rest scores higher."""
    total, count = sums[-1], float(edges[-1])
    inside, within = sums[end] - sums[begin], (edges[end] - edges[begin]).astype(np.float64)
    outside = count - within
    contrast = inside / within - (total - inside) / np.maximum(outside, 1)
    explained = within * outside / count**2 * contrast * np.abs(contrast)
    return np.where(outside > 0, np.where(np.abs(explained) > 1e-12, explained, 0.0), 0.0)
