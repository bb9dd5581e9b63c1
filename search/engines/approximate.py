"""Finds candidates among very many videos with FAISS; the caller then scores them exactly.

A score is normalised by the weights of the experts that the video has. Videos are therefore grouped by their experts:
within a group the order is that of an inner product, which FAISS can search for. Each group is an exhaustively scanned
list of product quantisation codes, half a byte for four numbers. An inverted file would not do, since its clusters
would depend on the weights of the experts, which are free in every query.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.stores import atomic
from search.index.vectors import Floats, Query, Vectors

SMALLEST = 1_000
"""Videos of smaller groups are always candidates, without FAISS."""
NUMBERS_PER_CODE = 4
TRAIN_ROWS = 5_000
BLOCK_ROWS = 50_000
OVERSAMPLED = 4
"""Number of candidates for each hit that is wanted."""


class Approximate:
    """The approximate index that `build` wrote to `folder`."""

    def __init__(self, folder: Path) -> None:
        faiss = _faiss()
        faiss.omp_set_num_threads(1)  # more threads do not speed up a single query
        self._ungrouped = np.load(folder / "rest.npy")
        groups: dict[str, list[int]] = json.loads((folder / "groups.json").read_text(encoding="utf-8"))
        self._groups = [(experts, faiss.read_index(str(folder / name))) for name, experts in groups.items()]

    def candidates(self, query: Query, count: int, allowed: NDArray[np.bool_]) -> NDArray[np.int64]:
        """More than `count` `allowed` (V,) rows in any order; nearly all of the `count` best are among them."""
        wanted = OVERSAMPLED * count
        # FAISS does not filter: it is asked for as many more rows as the filter is likely to drop.
        count_unfiltered = round(wanted / max(float(allowed.mean()), 1e-3))
        found = [_search(index, query, experts, count_unfiltered) for experts, index in self._groups]
        rows = np.concatenate([np.zeros(0, np.int64), *(rows for rows, _ in found)])
        estimates = np.concatenate([np.zeros(0, np.float32), *(of_group for _, of_group in found)])
        estimates = np.where(allowed[rows], estimates, -np.inf)
        best = np.argpartition(-estimates, wanted)[:wanted] if len(rows) > wanted else np.arange(len(rows))
        rows = rows[best]
        return np.concatenate([rows[allowed[rows]], self._ungrouped[allowed[self._ungrouped]]])


def build(folder: Path, videos: Vectors) -> None:
    """Writes an index for each large group of `videos`, and the rows of all other videos."""
    faiss = _faiss()
    # On a busy machine its threads spend most of their time waiting for one another.
    faiss.omp_set_num_threads(1)
    folder.mkdir(parents=True)
    codes = videos.present @ (1 << np.arange(len(videos.experts)))
    ungrouped, groups = [], {}
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        experts = [index for index in range(len(videos.experts)) if code >> index & 1]
        if len(rows) < SMALLEST or not experts:
            ungrouped.append(rows)
            continue
        name = f"{code}.faiss"
        faiss.write_index(_group(videos, rows, experts), str(folder / name))
        groups[name] = experts
    np.save(folder / "rest.npy", np.concatenate([np.zeros(0, np.int64), *ungrouped]))
    atomic.write_text(folder / "groups.json", json.dumps(groups))


def _group(videos: Vectors, rows: NDArray[np.int64], experts: list[int]) -> Any:
    """A FAISS index of the videos at `rows`, which all have exactly these experts."""
    faiss = _faiss()
    dim = sum(_padded(videos.vectors[index].shape[1]) for index in experts)
    index = faiss.IndexPQFastScan(dim, dim // NUMBERS_PER_CODE, 4, faiss.METRIC_INNER_PRODUCT)
    index.train(_rows(videos, np.sort(np.random.default_rng(0).permutation(rows)[:TRAIN_ROWS]), experts))
    with_ids = faiss.IndexIDMap(index)
    for start in range(0, len(rows), BLOCK_ROWS):
        block = rows[start : start + BLOCK_ROWS]
        with_ids.add_with_ids(_rows(videos, block, experts), block)
    return with_ids


def _rows(videos: Vectors, rows: NDArray[np.int64], experts: list[int]) -> Floats:
    """(len(rows), D), the padded vectors of these experts, concatenated."""
    return np.concatenate([_pad(videos.vectors[index][rows]) for index in experts], axis=1)


def _search(index: Any, query: Query, experts: list[int], count: int) -> tuple[NDArray[np.int64], Floats]:
    """(rows, estimated scores) of at most `count` best videos of a group."""
    total = float(query.totals(np.isin(np.arange(len(query.weights)), experts)[None].astype(np.float32))[0])
    if total <= 0:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    weighted = [_pad(query.vectors[expert][None] * query.weights[expert]) for expert in experts]
    products, rows = index.search(np.concatenate(weighted, axis=1), min(count, index.ntotal))
    found = rows[0] >= 0
    return rows[0][found], products[0][found] / total


def _pad(values: Floats) -> Floats:
    """The vectors, padded with zeros so that no code covers two experts."""
    missing = _padded(values.shape[1]) - values.shape[1]
    return np.pad(values, ((0, 0), (0, missing))) if missing else values


def _padded(dim: int) -> int:
    return -(-dim // NUMBERS_PER_CODE) * NUMBERS_PER_CODE


def _faiss() -> Any:
    """The module faiss, untyped: its stubs lack what its Python layer adds."""
    import faiss

    return faiss
