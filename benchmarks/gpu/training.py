"""Step d: an epoch of Collaborative Experts at the size of MSR-VTT in each precision, and the metrics of its test."""

from argparse import Namespace

import numpy as np

from benchmarks import metrics, training
from benchmarks.gpu.kernels import forget_peak, peak_mb
from benchmarks.gpu.step import Case, Figures, rounded, run_step
from models.evaluation.metrics import caption_ranks, summary, video_ranks

GATING = "sequential"
SPARE_S = 5.0
STEPS_SMALL = 2


def work(case: Case, figures: Figures) -> None:
    """A row for each precision and size of batch, then the metrics."""
    sizes = case.sizes
    data = training.collection(sizes.training_videos, sizes.training_experts or (*training.VLAD, *training.POOLED))
    for precision in sizes.training_precisions:
        for batch in sizes.training_batches:
            name = f"{precision}, batch {batch}"
            if case.left_s() < SPARE_S and not case.small:
                figures.leave_out(name, "no time left")
                continue
            # All of an epoch, each of its batches once.
            steps = STEPS_SMALL if case.small else -(-sizes.training_videos // batch)
            options = Namespace(steps=steps, videos=sizes.training_videos, device=case.device)
            forget_peak(case.device)
            row = training.measure(data, GATING, precision, batch, options)
            figures.keep(name, row | {"experts": len(data.experts), "gpu_mb": peak_mb(case.device)})
            print(name, row, flush=True)
    for name, told in metrics_of(sizes.metrics_videos).items():
        figures.keep(name, told)


def metrics_of(num_videos: int) -> dict[str, dict[str, float]]:
    """CPU seconds of both directions, on made-up scores; they are no work for a GPU."""
    owners = np.repeat(np.arange(num_videos), metrics.CAPTIONS)
    scores = np.random.default_rng(0).random((len(owners), num_videos), np.float32)
    ranks = {"t2v": lambda: caption_ranks(scores, owners), "v2t": lambda: video_ranks(scores, owners)}
    told = {}
    for name, ranked in ranks.items():
        cost = metrics.measure(lambda ranked=ranked: summary(ranked()))
        told[f"metrics, {name}"] = {"captions": len(owners), "videos": num_videos, "cpu_s": rounded(cost["cpu_s"])}
    return told


if __name__ == "__main__":
    run_step(work)
