"""The shape of the score lists of a query: what can be read from them without knowing what is right.

Q queries, E engines, U videos.
"""

import numpy as np
from numpy.typing import NDArray

from models.fusion.lists import Lists

TOP = 10
"""Videos at the top of a list that are looked at."""
PER_ENGINE = (
    "has a list", "best score", "best in deviations", "margin to the second", "margin to the tenth",
    "entropy", "missing", "spread", "support", "overlap",
)  # fmt: skip
"""What is read of each engine; all 0 where it says nothing."""


def shape(lists: Lists) -> NDArray[np.float64]:
    """(Q, 10 E): PER_ENGINE of the first engine, of the second, and so on."""
    parts = [_of_block(lists, rows) for rows in lists.chunks()]
    return np.concatenate(parts) if parts else np.zeros((0, len(PER_ENGINE) * lists.scores.shape[1]))


def _of_block(lists: Lists, rows: slice) -> NDArray[np.float64]:
    scores, present = lists.scores[rows].astype(np.float64), lists.present[rows]
    counts, has_list = present.sum(2), lists.has_list[rows]
    number = np.maximum(counts, 1)
    filled = np.where(present, scores, 0.0)
    mean = filled.sum(2) / number
    spread = np.sqrt(np.where(present, (filled - mean[..., None]) ** 2, 0.0).sum(2) / number)
    deviations = np.where(present, (filled - mean[..., None]) / np.maximum(spread, 1e-9)[..., None], -np.inf)
    places, top = _top(deviations)
    known = np.isfinite(top)
    # Lists that are shorter than TOP end with their own last one.
    last = np.take_along_axis(top, np.maximum(known.sum(2, keepdims=True) - 1, 0), 2)
    top = np.where(has_list[..., None], np.where(known, top, last), 0.0)
    chances = np.where(known, np.exp(top - top[..., :1]), 0.0)
    chances /= np.maximum(chances.sum(2, keepdims=True), 1e-300)
    entropy = -(chances * np.log(np.maximum(chances, 1e-300))).sum(2) / np.log(TOP)
    columns = [
        np.ones_like(mean),
        np.where(present, scores, -np.inf).max(2, initial=-np.inf),
        top[..., 0],
        top[..., 0] - top[..., min(1, top.shape[2] - 1)],
        top[..., 0] - top[..., -1],
        entropy,
        1 - counts / lists.num_videos,
        spread,
        _support(deviations, places, has_list),
        _overlap(places, known),
    ]
    found = np.stack([np.where(has_list, column, 0.0) for column in columns], 2)
    return found.reshape(len(found), -1)


def _top(deviations: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Places and values (Q, E, TOP) of the best of each list, best first, the first place before a later equal one."""
    count = min(TOP, deviations.shape[2])
    if count < deviations.shape[2]:
        places = np.sort(np.argpartition(-deviations, count - 1, axis=2)[..., :count], axis=2)
    else:
        places = np.broadcast_to(np.arange(count), (*deviations.shape[:2], count))
    values = np.take_along_axis(deviations, places, 2)
    order = np.argsort(-values, axis=2, kind="stable")
    return np.take_along_axis(places, order, 2), np.take_along_axis(values, order, 2)


def _support(
    deviations: NDArray[np.float64], places: NDArray[np.intp], has_list: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """(Q, E): how far above their mean the other engines have the first of an engine, in deviations; unknown is 0."""
    first = places[..., 0]
    seen_by = np.take_along_axis(deviations, np.repeat(first[:, None], deviations.shape[1], 1), 2)
    others = np.where(np.isfinite(seen_by), seen_by, 0.0) * ~np.eye(first.shape[1], dtype=bool)
    told = others.sum(1) / np.maximum(has_list.sum(1, keepdims=True) - 1, 1)
    return np.asarray(told, np.float64)


def _overlap(places: NDArray[np.intp], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(Q, E): mean share of the top of an engine that is in the top of another one."""
    engines = places.shape[1]
    shared = np.zeros(places.shape[:2])
    for one in range(engines):
        for other in range(engines):
            if one != other:
                equal = places[:, one, :, None] == places[:, other, None, :]
                shared[:, one] += (equal & known[:, one, :, None] & known[:, other, None, :]).sum((1, 2))
    return np.asarray(shared / (max(1, engines - 1) * TOP), np.float64)
