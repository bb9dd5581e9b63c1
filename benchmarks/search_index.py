"""Latency, recall and memory of a search by similarity: `python benchmarks/search_index.py [SIZE ...]`.

Synthetic videos with seven experts of 64 numbers, as configs/models/ce_light.yaml has them; a third of the videos lack
speech, others a face or sound. Queries are blurred videos, one at a time, with the weights of a caption, on one thread,
as the server answers them. Prints a line a size, and writes benchmarks/search_index.json.
"""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from search import approximate
from search.__main__ import one_thread
from search.approximate import Approximate
from search.config import IndexSettings
from search.vectors import Query, Vectors, load

SIZES = (10_000, 100_000)
EXPERTS = ("audio", "face", "flow", "ocr", "rgb", "scene", "speech")
THERE = (0.9, 0.5, 1.0, 0.5, 1.0, 1.0, 0.67)
DIM, TOPICS, QUERIES, BLOCK = 64, 2000, 200, 20_000


def unit(values):
    return (values / np.linalg.norm(values, axis=-1, keepdims=True)).astype(np.float32)


def make(folder: Path, size: int) -> Vectors:
    """Videos of many topics, written block by block, so that memory stays small."""
    rng = np.random.default_rng(0)
    topics = rng.normal(size=(len(EXPERTS), TOPICS, DIM)).astype(np.float32)
    folder.mkdir()
    files = [np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.float32, (size, DIM)) for name in EXPERTS]
    for start in range(0, size, BLOCK):
        rows = slice(start, min(start + BLOCK, size))
        topic = rng.integers(TOPICS, size=rows.stop - start)
        for index, file in enumerate(files):
            noise = rng.standard_normal((rows.stop - start, DIM), np.float32)
            file[rows] = unit(topics[index][topic] + 0.7 * noise)
    for file in files:
        file.flush()
    np.save(folder / "present.npy", rng.random((size, len(EXPERTS))) < THERE)
    return load(folder, EXPERTS)


def queries(videos: Vectors) -> list[Query]:
    rng = np.random.default_rng(1)
    return [
        Query(
            tuple(unit(of[row] + 0.5 * unit(rng.normal(size=DIM))) for of in videos.of),
            rng.dirichlet(np.ones(len(EXPERTS))).astype(np.float32),
        )
        for row in rng.integers(len(videos), size=QUERIES)
    ]


def exact(videos: Vectors, query: Query) -> np.ndarray:
    scores = videos.scores(query)
    best = np.argpartition(-scores, 200)[:200]
    return best[np.argsort(-scores[best])]


def through_faiss(videos: Vectors, index: Approximate, query: Query, everything: np.ndarray) -> np.ndarray:
    rows = index.candidates(query, 200, everything)
    return rows[np.argsort(-videos.scores_of(query, rows))]


def timed(ask, asked):
    """(answers, {p50, p95} in milliseconds), after two queries that nobody counts."""
    for query in asked[:2]:
        ask(query)
    answers, taken = [], []
    for query in asked:
        start = time.perf_counter()
        answers.append(ask(query))
        taken.append(1e3 * (time.perf_counter() - start))
    return answers, {"p50_ms": round(float(np.median(taken)), 1), "p95_ms": round(float(np.percentile(taken, 95)), 1)}


def bench(size: int, root: Path) -> dict:
    videos = make(root / "videos", size)
    asked = queries(videos)
    one_thread()
    right, told_exact = timed(lambda query: exact(videos, query), asked)
    row = {"videos": size, "vectors_mb": round(size * DIM * len(EXPERTS) * 4 / 1e6), "exact": told_exact}
    if size >= IndexSettings().approximate_from:
        start = time.perf_counter()
        approximate.build(root / "approximate", videos)
        row["faiss_build_s"] = round(time.perf_counter() - start, 1)
        row["faiss_mb"] = round(sum(path.stat().st_size for path in (root / "approximate").iterdir()) / 1e6)
        index, everything = Approximate(root / "approximate"), np.ones(size, bool)
        found, row["faiss"] = timed(lambda query: through_faiss(videos, index, query, everything), asked)
        pairs = zip(right, found, strict=True)
        row["recall@10"] = round(float(np.mean([len(np.intersect1d(a[:10], b[:10])) / 10 for a, b in pairs])), 4)
    row["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return row


def main(sizes) -> None:
    rows = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as root:
            rows.append(bench(size, Path(root)))
        print(json.dumps(rows[-1]), flush=True)
    Path(__file__).with_suffix(".json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or SIZES)
