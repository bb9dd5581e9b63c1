"""Step e: exact search over a million videos on the device, beside the program's own on one core and FAISS's."""

import importlib.util
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.gpu.kernels import forget_peak, peak_mb, synchronise
from benchmarks.gpu.step import Case, Figures, rounded, run_step
from benchmarks.gpu.there import LEFT_OUT
from benchmarks.search_index import exact, make, queries, through_faiss, timed
from pipeline.running.cpu import one_thread
from search.engines import approximate
from search.engines.approximate import Approximate
from search.index.vectors import UNSEEN, Query, Vectors

BEST, ON_ONE_CORE, BATCH = 10, 20, 64
"""Videos that are compared, queries that the slower ways are asked, queries at once."""
LEAST_OF_BEST = 0.99
"""Two videos whose scores differ in the last digit may change places."""


def work(case: Case, figures: Figures) -> None:
    """The device first; what the others find must be the same."""
    sizes = case.sizes
    videos = make(Path(case.work) / f"search-{sizes.search_videos}", sizes.search_videos)
    asked = queries(videos)[: sizes.search_queries]
    some = asked[:ON_ONE_CORE]
    forget_peak(case.device)
    on_device = OnDevice(videos, case.device)
    found, told = one_by_one(on_device, asked, case.device)
    told["queries_per_s"] = in_batches(on_device, asked, case.device)
    one_thread()
    right, own = timed(lambda query: exact(videos, query), some)
    told |= {"videos": len(videos), "gpu_mb": peak_mb(case.device), "same_best": agreement(right, found)}
    figures.keep("exact, on the device", told)
    if told["same_best"] < LEAST_OF_BEST:
        raise RuntimeError(f"only {told['same_best']:.0%} of the best videos are those that the program finds")
    figures.keep("exact, one core", own)
    if importlib.util.find_spec("faiss") is None:
        figures.leave_out("FAISS", f"the package faiss is missing: {LEFT_OUT['faiss']}")
        return
    approximate.build(Path(case.work) / "faiss", videos)
    index, everything = Approximate(Path(case.work) / "faiss"), np.ones(len(videos), bool)
    close, told = timed(lambda query: through_faiss(videos, index, query, everything), some)
    figures.keep("FAISS, one core", told | {"same_best": agreement(right, close)})


class OnDevice:
    """All vectors side by side, those that a video lacks zeros: a score is then one product."""

    def __init__(self, videos: Vectors, device: str) -> None:
        self.device = device
        self.present = torch.from_numpy(videos.present).to(device, torch.float32)
        parts = [torch.from_numpy(np.array(values)).to(device) for values in videos.vectors]
        self.vectors = torch.cat([part * self.present[:, [at]] for at, part in enumerate(parts)], dim=1)

    def best(self, asked: list[Query]) -> np.ndarray:
        """(Q, BEST) rows, best first."""
        weighted = [np.concatenate([v * w for v, w in zip(q.vectors, q.weights, strict=True)]) for q in asked]
        summed = self.vectors @ torch.from_numpy(np.stack(weighted, axis=1)).to(self.device)
        total = self.present @ torch.from_numpy(np.stack([query.weights for query in asked], axis=1)).to(self.device)
        scores = torch.where(total > 0, summed / total, UNSEEN)
        return scores.topk(min(BEST, len(scores)), dim=0).indices.T.cpu().numpy()


def one_by_one(videos: OnDevice, asked: list[Query], device: str) -> tuple[list[np.ndarray], dict[str, Any]]:
    """What is found, and milliseconds of the wall clock, after two queries that nobody counts."""
    for query in asked[:2]:
        videos.best([query])
    synchronise(device)
    found, taken_ms = [], []
    for query in asked:
        began = time.perf_counter()
        found.append(videos.best([query])[0])
        taken_ms.append(1e3 * (time.perf_counter() - began))
    return found, {f"p{mark}_ms": rounded(float(np.percentile(taken_ms, mark))) for mark in (50, 95)}


def in_batches(videos: OnDevice, asked: list[Query], device: str) -> float:
    """Queries a second, many at once."""
    videos.best(asked[:BATCH])
    synchronise(device)
    began = time.perf_counter()
    for at in range(0, len(asked), BATCH):
        videos.best(asked[at : at + BATCH])
    return rounded(len(asked) / (time.perf_counter() - began))


def agreement(right: list[np.ndarray], found: list[np.ndarray]) -> float:
    """Share of the best videos that both have."""
    pairs = list(zip(right, found, strict=False))
    return round(float(np.mean([len(np.intersect1d(a[:BEST], b[:BEST])) / BEST for a, b in pairs])), 4)


if __name__ == "__main__":
    run_step(work)
