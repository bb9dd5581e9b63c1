"""A video in few vectors: its rows as they are, or where they are many, the centres of their clusters.

V videos, N rows in all, D feature.
"""

import numpy as np

from models.inputs.aligned import Floats
from models.zero_shot.label_words import unit_rows
from pipeline.stores.ragged import Ragged

MOST_VECTORS = 32
"""Of a video."""
ROUNDS = 20
SEED = 1234


def few_vectors(rows: Ragged) -> Ragged:
    """For each of V videos at most MOST_VECTORS vectors of length 1, from its rows; none where it has none."""
    return Ragged.stack([few(rows[video]) for video in range(len(rows))], rows.dim)


def few(values: Floats) -> Floats:
    """The rows (n, D) of one video, of length 1, or the centres of MOST_VECTORS clusters of them, where they are more.

    By spherical k-means (Dhillon and Modha, 2001) of FAISS from a fixed seed: the same rows give the same vectors. Rows
    of zeros say nothing and are left out.
    """
    units = unit_rows(values)
    units = units[units.any(axis=1)]
    if len(units) <= MOST_VECTORS:
        return units
    import faiss

    faiss.omp_set_num_threads(1)  # on a busy machine its threads spend most of their time waiting for one another
    # All rows take part, however many or few they are; else it takes a sample, or warns.
    all_rows = {"min_points_per_centroid": 1, "max_points_per_centroid": len(units)}
    clusters = faiss.Kmeans(units.shape[1], MOST_VECTORS, niter=ROUNDS, seed=SEED, spherical=True, **all_rows)
    clusters.train(np.ascontiguousarray(units))
    return unit_rows(np.asarray(clusters.centroids))
