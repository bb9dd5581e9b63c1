"""Candidates among very many videos, through FAISS; whoever asks scores them exactly afterwards.

What a score is divided by depends on which experts a video has. So videos with the same experts form a group: within
one, the order is that of an inner product, which is what FAISS looks for. Each group is a list of product codes, half a
byte for four numbers, all of which are looked at: with every expert's weight free, no clusters fit every query.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.stores import atomic
from search.index.vectors import Floats, Query, Vectors

SMALLEST = 1_000
"""Smaller groups are scored without FAISS."""
NUMBERS_PER_CODE = 4
TRAIN_ROWS = 5_000
BLOCK_ROWS = 50_000
OVERSAMPLED = 4
"""So many times the hits that are wanted are candidates."""


class Approximate:
    """What `build` wrote."""

    def __init__(self, folder: Path) -> None:
        faiss = _faiss()
        faiss.omp_set_num_threads(1)  # a single query gains nothing from more
        self._rest = np.load(folder / "rest.npy")
        groups: dict[str, list[int]] = json.loads((folder / "groups.json").read_text(encoding="utf-8"))
        self._groups = [(experts, faiss.read_index(str(folder / name))) for name, experts in groups.items()]

    def candidates(self, query: Query, count: int, allowed: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Rows among those `allowed` (V,) that hold nearly all of the `count` best, in any order; more than `count`."""
        wanted = OVERSAMPLED * count
        # FAISS's codes know no filter: as many more are asked for as the filter is likely to drop.
        asked = round(wanted / max(float(allowed.mean()), 1e-3))
        found = [_search(index, query, experts, asked) for experts, index in self._groups]
        rows = np.concatenate([np.zeros(0, np.int64), *(rows for rows, _ in found)])
        guesses = np.concatenate([np.zeros(0, np.float32), *(guess for _, guess in found)])
        guesses = np.where(allowed[rows], guesses, -np.inf)
        best = np.argpartition(-guesses, wanted)[:wanted] if len(rows) > wanted else np.arange(len(rows))
        rows = rows[best]
        return np.concatenate([rows[allowed[rows]], self._rest[allowed[self._rest]]])


def build(folder: Path, videos: Vectors) -> None:
    """Writes an index of each group that is large, and the rows of all others."""
    faiss = _faiss()
    # On a machine with other work its threads wait for each other, far longer than they work.
    faiss.omp_set_num_threads(1)
    folder.mkdir(parents=True)
    codes = videos.present @ (1 << np.arange(len(videos.experts)))
    rest, groups = [], {}
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        experts = [index for index in range(len(videos.experts)) if code >> index & 1]
        if len(rows) < SMALLEST or not experts:
            rest.append(rows)
            continue
        name = f"{code}.faiss"
        faiss.write_index(_group(videos, rows, experts), str(folder / name))
        groups[name] = experts
    np.save(folder / "rest.npy", np.concatenate([np.zeros(0, np.int64), *rest]))
    atomic.write_text(folder / "groups.json", json.dumps(groups))


def _group(videos: Vectors, rows: NDArray[np.int64], experts: list[int]) -> Any:
    faiss = _faiss()
    dim = sum(_padded(videos.of[index].shape[1]) for index in experts)
    index = faiss.IndexPQFastScan(dim, dim // NUMBERS_PER_CODE, 4, faiss.METRIC_INNER_PRODUCT)
    index.train(_rows(videos, np.sort(np.random.default_rng(0).permutation(rows)[:TRAIN_ROWS]), experts))
    named = faiss.IndexIDMap(index)
    for start in range(0, len(rows), BLOCK_ROWS):
        block = rows[start : start + BLOCK_ROWS]
        named.add_with_ids(_rows(videos, block, experts), block)
    return named


def _rows(videos: Vectors, rows: NDArray[np.int64], experts: list[int]) -> Floats:
    return np.concatenate([_pad(videos.of[index][rows]) for index in experts], axis=1)


def _search(index: Any, query: Query, experts: list[int], count: int) -> tuple[NDArray[np.int64], Floats]:
    """(rows, about their scores) of the best of a group."""
    total = float(query.weights[experts].sum())
    if total <= 0:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    joined = np.concatenate([_pad(query.vectors[at][None] * query.weights[at]) for at in experts], axis=1)
    products, rows = index.search(joined, min(count, index.ntotal))
    there = rows[0] >= 0
    return rows[0][there], products[0][there] / total


def _pad(values: Floats) -> Floats:
    """With zeros, so that no code is of two experts."""
    missing = _padded(values.shape[1]) - values.shape[1]
    return np.pad(values, ((0, 0), (0, missing))) if missing else values


def _padded(dim: int) -> int:
    return -(-dim // NUMBERS_PER_CODE) * NUMBERS_PER_CODE


def _faiss() -> Any:
    """The library; its stubs lack what its Python layer adds."""
    import faiss

    return faiss
