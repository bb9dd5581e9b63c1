"""Moment retrieval as QVHighlights measures it: R1 at an IoU of 0.5 and 0.7, and average precision over ten IoUs.

Lei et al., "QVHighlights", NeurIPS 2021, and the evaluation published with it (jayleicn/moment_detr, standalone_eval).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

Window = tuple[float, float]
"""Start and end in seconds."""
Query = tuple[Sequence["Predicted"], Sequence[Window]]
"""What was predicted for a query, which may be nothing, and its true windows, at least one."""

IOUS = tuple(round(0.5 + 0.05 * place, 2) for place in range(10))
R1_IOUS = (0.5, 0.7)
MOST = 10
"""Predictions of a query that count, the best ones."""


@dataclass(frozen=True)
class Predicted:
    """A window that was predicted for a query; of equal scores the first one given is the better one."""

    start_s: float
    end_s: float
    score: float


def measures(queries: Sequence[Query]) -> dict[str, float]:
    """R1@0.5, R1@0.7, mAP@0.5, mAP@0.75 and mAP (over IoUs from 0.5 to 0.95 by 0.05), in percent.

    A query without a prediction is a miss. ValueError without queries, or for a query that has no true window.
    """
    if not queries or not all(true for _, true in queries):
        raise ValueError("expected queries, each with at least one true window")
    ranked = [(sorted(predicted, key=lambda one: -one.score)[:MOST], true) for predicted, true in queries]
    first = [max((iou(found[0], window) for window in true), default=0.0) if found else 0.0 for found, true in ranked]
    recalls = {f"R1@{least}": 100 * fmean(best >= least for best in first) for least in R1_IOUS}
    precisions = {least: 100 * fmean(average_precision(*query, least) for query in ranked) for least in IOUS}
    chosen = {f"mAP@{least}": precisions[least] for least in (0.5, 0.75)}
    return recalls | chosen | {"mAP": fmean(precisions.values())}


def iou(predicted: Predicted, window: Window) -> float:
    """Length of the intersection by length of the union; 0 where both have no length."""
    shared = max(0.0, min(predicted.end_s, window[1]) - max(predicted.start_s, window[0]))
    union = (predicted.end_s - predicted.start_s) + (window[1] - window[0]) - shared
    return shared / union if union > 0 else 0.0


def average_precision(ranked: Sequence[Predicted], true: Sequence[Window], least: float) -> float:
    """Interpolated average precision, 0 to 1, of predictions in their order, at an IoU of at least `least`.

    Each prediction takes the true window that it overlaps most among those that none before it took. The precision at a
    recall is the highest one at this or a higher recall.
    """
    free, hits = set(range(len(true))), list[bool]()
    for one in ranked:
        overlaps = {place: iou(one, true[place]) for place in free}
        taken = max(overlaps, key=lambda place: (overlaps[place], place), default=None)
        hit = taken is not None and overlaps[taken] >= least
        hits.append(hit)
        if hit and taken is not None:
            free.discard(taken)
    found, highest, total = sum(hits), 0.0, 0.0
    for place in range(len(hits), 0, -1):
        highest = max(highest, found / place)
        if hits[place - 1]:
            total += highest
            found -= 1
    return total / len(true)
