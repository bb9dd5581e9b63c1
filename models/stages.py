"""The two stages of the DAG on this floor, each one call: train a seed, evaluate the seeds."""

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models import checkpoint
from models.config import ModelConfig
from models.evaluate import Evaluation, evaluate, similarities
from models.hardware import choose, threads
from models.history import History
from models.inputs import Sources, Split, collect
from models.metrics import summary
from models.train import train

SELECTION = "best epoch by t2v geometric mean of R@1, R@5, R@10 on the validation split; the test split is seen once"


def train_seed(
    sources: Sources, settings: ModelConfig, seed: int, folder: Path, progress: Callable[[int, int], None]
) -> None:
    """A finished training in `folder`, resumed where a killed one stopped."""
    training, validation = collect(sources, "train"), collect(sources, "val")
    total = settings.training.epochs
    with threads(settings.runtime):
        train(
            training.collection, validation.collection, settings, seed, folder, lambda one: progress(one.epoch, total)
        )


def evaluate_seeds(sources: Sources, settings: ModelConfig, runs: Mapping[int, Path], split: str) -> dict[str, Any]:
    """What the trained seeds are worth on a split, as plain JSON: the body of report.json.

    Means over the seeds, and the sample standard deviation (0 for one seed).
    """
    data = collect(sources, split)
    device = str(choose(settings.runtime).device)
    evaluations = {}
    for seed, folder in runs.items():
        scores = similarities(checkpoint.load_model(folder, device), data.collection)
        evaluations[seed] = evaluate(scores, data.collection.caption_video)
    found = list(evaluations.values())
    num_videos = data.collection.num_videos
    return {
        "split": split,
        "selection": SELECTION,
        "seeds": list(runs),
        "gallery": {"videos": num_videos, "captions": len(data.captions)},
        "blind": [video.video_id for video in data.blind],
        "t2v": _over_seeds([one.t2v for one in found]),
        "v2t": _over_seeds([one.v2t for one in found]),
        "chance": {f"R@{k}": 100 * min(1.0, k / num_videos) for k in (1, 5, 10, 50)},
        "tags": _by_tag(data, found),
        "rank_histogram": _histogram([one.caption_ranks for one in found], num_videos),
        "training": {str(seed): _curve(folder) for seed, folder in runs.items()},
        "queries": _queries(data, evaluations),
    }


def _over_seeds(metrics: list[dict[str, float]]) -> dict[str, dict[str, Any]]:
    """metric -> mean, std, and the value of each seed."""
    table = {}
    for name in metrics[0]:
        values = [float(one[name]) for one in metrics]
        spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
        table[name] = {"mean": float(np.mean(values)), "std": spread, "seeds": values}
    return table


def _by_tag(data: Split, evaluations: list[Evaluation]) -> dict[str, dict[str, Any]]:
    """tag -> how many captions speak of that modality, and what those captions alone score."""
    table = {}
    for tag, count in sorted(Counter(tag for tags in data.tags for tag in tags).items()):
        chosen = np.array([tag in tags for tags in data.tags])
        table[tag] = {
            "captions": count,
            "t2v": _over_seeds([summary(one.caption_ranks[chosen]) for one in evaluations]),
        }
    return table


def _histogram(ranks: list[NDArray[np.float64]], num_videos: int) -> list[dict[str, float]]:
    """Share of the captions, in percent over all seeds, whose right video comes at ranks `first` to `last`."""
    every = np.concatenate(ranks) + 1
    edges = [1, 2, 3, 4, 6, 11, 21, 51, 101, 1001]
    edges = [edge for edge in edges if edge <= num_videos] + [num_videos + 1]
    shares = np.histogram(np.floor(every), bins=edges)[0] / len(every) * 100
    return [
        {"first": first, "last": after - 1, "percent": float(share)}
        for first, after, share in zip(edges[:-1], edges[1:], shares, strict=True)
    ]


def _curve(folder: Path) -> list[dict[str, float]]:
    """Loss and validation metrics of each epoch of a run."""
    _, facts = checkpoint.read(folder / checkpoint.MODEL)
    return [
        {"epoch": epoch.epoch, "loss": epoch.loss, **{key: float(value) for key, value in epoch.metrics.items()}}
        for epoch in History.parse(facts["history"]).epochs
    ]


def _queries(data: Split, evaluations: Mapping[int, Evaluation]) -> list[dict[str, Any]]:
    """Each caption with its video and its rank, from 1, with each seed."""
    owners = data.collection.caption_video
    return [
        {
            "caption": text,
            "video": data.videos[int(owners[index])].video_id,
            "tags": list(tags),
            "ranks": [float(one.caption_ranks[index]) + 1 for one in evaluations.values()],
        }
        for index, (text, tags) in enumerate(zip(data.captions, data.tags, strict=True))
    ]
