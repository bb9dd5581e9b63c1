"""Reads the labels that classifiers stored beside their vectors, and keeps the best of each class and video."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.datasets.manifest import Video
from pipeline.errors import DamagedError
from pipeline.stores import parts, store
from search.config import LEAST_LABEL
from search.engines.labels import BestLabels


def read_labels(
    stores: Mapping[str, Path],
    names: Mapping[str, Sequence[str]],
    key: Callable[[str, Video], str],
    videos: Sequence[Video],
) -> Iterator[BestLabels]:
    """The best labels of each of `videos`, by the experts that have class `names`; at least LEAST_LABEL probable.

    `key(expert, video)` is the key of the row in the expert's store. DamagedError where a part lacks its labels, or
    they are not of these classes.
    """
    for expert, classes in names.items():
        rows: dict[str, list[int]] = {}
        for index, video in enumerate(videos):
            rows.setdefault(key(expert, video), []).append(index)
        for part in store.parts(stores[expert]):
            present = [(row, span) for row, span in store.spans(part) if row.count and row.key in rows]
            if not present:
                continue
            labels, scores, starts_s = _arrays(part, len(classes))
            for row, span in present:
                best = _best(labels[span], scores[span], starts_s[span])
                # A row that occurs in two parts is read once.
                for index in rows.pop(row.key, []):
                    yield BestLabels(index, expert, best)


def _arrays(part: Path, num_classes: int) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float64]]:
    """Labels (N, K), their scores (N, K) and the start of each row (N,)."""
    found = [parts.read_array(part, name) for name in ("labels", "label_scores", "times_s")]
    labels, scores, times_s = found
    if labels is None or scores is None or times_s is None:
        raise DamagedError(part, "its labels are not there")
    is_sound = labels.ndim == 2 and labels.shape == scores.shape and len(labels) == len(times_s)
    if not is_sound or (labels.size and not 0 <= labels.min() <= labels.max() < num_classes):
        raise DamagedError(part, f"its labels are not of {num_classes} classes")
    return labels.astype(np.int64), scores, times_s[:, 0]


def _best(
    labels: NDArray[np.int64], scores: NDArray[np.float32], starts_s: NDArray[np.float64]
) -> list[tuple[int, float, float]]:
    """(class, highest score, start of the first row with that score) of the classes with a score that counts."""
    chosen = scores >= LEAST_LABEL
    classes, best_scores = labels[chosen], scores[chosen]
    times_s = np.broadcast_to(starts_s[:, None], labels.shape)[chosen]
    order = np.lexsort((times_s, -best_scores, classes))
    _, first = np.unique(classes[order], return_index=True)
    picked = order[first]
    rows = zip(classes[picked].tolist(), best_scores[picked].tolist(), times_s[picked].tolist(), strict=True)
    return [(label, round(score, 6), round(start_s, 3)) for label, score, start_s in rows]
