"""Puts faces that are alike into clusters, by agglomerative clustering of scikit-learn. F faces, D feature."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extractors.configs import ExpertConfig
from pipeline import config
from search.index.folder import EXPERTS
from search.index.vectors import Floats

NEAR = 0.55
"""Mean cosine of two clusters from which on they are one person: with FaceNet (Schroff et al., 2015) two faces of one
person have mostly more than 0.6, of two people less than 0.4."""
NEAR_OF = {"faces": 0.92}
"""That of extractors whose vectors lie closer: HOG, LBP and colour of any two faces of the demo have 0.84 and more."""
MOST_CLUSTERED = 3000
"""Of more faces so many, evenly spread, make the clusters, as all pairs are compared; the others join the nearest."""


@dataclass(frozen=True)
class Clusters:
    """Which faces are of one person."""

    numbers: NDArray[np.int64]
    """(F,), the cluster of each face, those of the most faces first; -1 for one that is like none."""
    centres: Floats
    """(C, D), the mean direction of each cluster, of length 1."""


def near_of(folder: Path, expert: str) -> float:
    """The mean cosine that makes two clusters of this expert's faces one, of the index in `folder`."""
    path = folder / EXPERTS / f"{expert}.yaml"
    return NEAR_OF.get(config.load(ExpertConfig, path).extractor, NEAR) if path.is_file() else NEAR


def cluster(faces: Floats, near: float = NEAR) -> Clusters:
    """The clusters of the faces (F, D); `near`: the mean cosine of two clusters that makes them one."""
    units = unit(faces)
    if len(units) < 2:
        return Clusters(np.zeros(len(units), np.int64), units)
    from sklearn.cluster import AgglomerativeClustering

    chosen = np.unique(np.linspace(0, len(units) - 1, min(len(units), MOST_CLUSTERED)).round().astype(np.int64))
    grouping = AgglomerativeClustering(n_clusters=None, metric="cosine", linkage="average", distance_threshold=1 - near)
    labels = grouping.fit_predict(units[chosen])
    centres = unit(np.stack([units[chosen][labels == label].mean(axis=0) for label in range(labels.max() + 1)]))
    numbers = np.full(len(units), -1, np.int64)
    numbers[chosen] = labels
    others = np.flatnonzero(numbers < 0)
    cosines = units[others] @ centres.T
    numbers[others] = np.where(cosines.max(axis=1, initial=-1.0) >= near, cosines.argmax(axis=1), -1)
    return _by_size(numbers, centres)


def _by_size(numbers: NDArray[np.int64], centres: Floats) -> Clusters:
    sizes = np.bincount(numbers[numbers >= 0], minlength=len(centres))
    order = np.argsort(-sizes, kind="stable")
    place = np.empty(len(order) + 1, np.int64)
    place[order], place[-1] = np.arange(len(order)), -1
    return Clusters(place[numbers], centres[order])


def unit(values: Floats) -> Floats:
    """The vectors (n, D), each of length 1; zeros stay zeros."""
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.maximum(lengths, 1e-12), np.float32)
