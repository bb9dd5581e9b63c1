"""The stages of the DAG on this floor, each one call: train a seed, evaluate the seeds, or a released model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.config import ModelConfig, Runtime
from models.evaluation.evaluate import similarities
from models.evaluation.metrics import over_seeds, summary
from models.evaluation.report_columns import BACK, RAW, Scored, every_rank, variants, worth
from models.inputs.batches import Teacher
from models.inputs.load import Sources, Split, bank, collect
from models.networks.ce import CE
from models.released.load import load_released
from models.training import checkpoint
from models.training.hardware import choose, threads
from models.training.history import History
from models.training.teachers import denoised, teacher
from models.training.train import train
from pipeline.errors import TrainingError
from pipeline.running.cpu import freed_memory_kept
from pipeline.stores.ragged import Ragged

Ranks = Mapping[str, NDArray[np.float64]]
"""Name of column -> the rank of each query."""

SELECTIONS = {
    "validation": "validation: best epoch by t2v geometric mean of R@1, R@5, R@10 on the validation split; "
    "the test split is seen once",
    "last": "last: the last epoch, trained on the validation split too; no split chose it",
    "test": "test: best epoch by t2v geometric mean of R@1, R@5, R@10 on the test split itself, trained on the "
    "validation split too; better than new videos would give",
}
BANK_CAPTIONS = 10_000
"""As many training captions at most are the bank of QB-Norm."""


def train_seed(
    sources: Sources,
    settings: ModelConfig,
    seed: int,
    folder: Path,
    progress: Callable[[int, int], None],
    teachers: Sequence[tuple[Sources, Path]] = (),
) -> None:
    """A finished training in `folder`, resumed where a killed one stopped; `teachers` are finished ones of others."""
    trained, watched = splits(settings)
    training, aside = collect(sources, *trained), collect(sources, watched)
    device = str(choose(settings.runtime).device)
    taught = tuple(_teacher(training, collect(other, *trained), path, device) for other, path in teachers)
    data = replace(training.collection, teachers=taught)
    if settings.training.worst_rank is not None:
        data = denoised(data, settings.training.worst_rank)
    total = settings.training.epochs
    with threads(settings.runtime), freed_memory_kept():
        train(data, aside.collection, settings, seed, folder, lambda one: progress(one.epoch, total))


def _teacher(learner: Split, theirs: Split, folder: Path, device: str) -> Teacher:
    """The trained network in `folder` on the learner's split, as the network's own experts and text encoder have it."""
    if [video.video_id for video in learner.videos] != [video.video_id for video in theirs.videos]:
        raise TrainingError(
            f"the teacher in {folder} sees other training videos than the model that learns from it: "
            "both need at least one expert that is there for the same videos"
        )
    return teacher(checkpoint.load_model(folder, device), theirs.collection)


def splits(settings: ModelConfig) -> tuple[tuple[str, ...], str]:
    """Those that are trained on, and the one that is watched after each epoch."""
    if settings.training.selection == "validation":
        return ("train",), "val"
    return ("train", "val"), "test"


def evaluate_seeds(sources: Sources, settings: ModelConfig, runs: Mapping[int, Path], split: str) -> dict[str, Any]:
    """What the trained seeds are worth on a split, as plain JSON: the body of report.json.

    Means over the seeds, and the sample standard deviation (0 for one seed).
    """
    data = collect(sources, split)
    device = str(choose(settings.runtime).device)
    # Training captions as a bank for themselves would be the evaluated queries.
    captions = None if split == "train" else bank(sources, BANK_CAPTIONS)
    ranks = {seed: ranks_of(checkpoint.load_model(folder, device), data, captions) for seed, folder in runs.items()}
    training = {str(seed): _curve(folder) for seed, folder in runs.items()}
    return {
        "split": split,
        "selection": SELECTIONS[settings.training.selection],
        **body(data, ranks),
        "training": training,
    }


def evaluate_released(
    sources: Sources, checkpoint: Path, settings: Path, names: Mapping[str, str], split: str
) -> dict[str, Any]:
    """As `evaluate_seeds`, of the published model in the files `checkpoint` and `settings`.

    `names`: the model's name of an expert -> that of the sources.
    """
    model = load_released(checkpoint, settings).to(choose(Runtime()).device)
    theirs = renamed(sources, model, names)
    data = collect(theirs, split)
    captions = bank(theirs, BANK_CAPTIONS) if theirs.manifest.split("train") and split != "train" else None
    found = body(data, {0: ranks_of(model, data, captions)})
    return {"split": split, "selection": f"released: {checkpoint.name}", **found, "training": {}}


def renamed(sources: Sources, model: CE, names: Mapping[str, str]) -> Sources:
    """The sources as the model asks for them: under its names of the experts, with its lengths and its text."""
    ours = {expert.name: names[expert.name] for expert in model.experts}
    return replace(
        sources,
        experts=model.experts,
        stores={theirs: sources.stores[name] for theirs, name in ours.items()},
        text=model.text_input,
        imported={theirs: sources.imported[name] for theirs, name in ours.items() if name in sources.imported},
    )


def ranks_of(model: CE, data: Split, captions: Ragged | None) -> Ranks:
    """Of each column of the report; `captions` are the token vectors of a bank of training captions, if any."""
    scores, banked = similarities(model, data.collection), None
    if captions is not None:
        owners = np.zeros(len(captions), np.int64)
        banked = similarities(model, replace(data.collection, tokens=captions, caption_video=owners))
    return every_rank(Scored(scores, data.collection.caption_video, data.captions, banked))


def body(data: Split, ranks: Mapping[int, Ranks]) -> dict[str, Any]:
    """The part of a report that follows from the ranks alone, which are given for each seed."""
    owners, num_videos = data.collection.caption_video, data.collection.num_videos
    raw = [one[RAW] for one in ranks.values()]
    return {
        "seeds": list(ranks),
        "gallery": {"videos": num_videos, "captions": len(data.captions)},
        "blind": [video.video_id for video in data.blind],
        RAW: worth(raw, owners, num_videos),
        BACK: worth([one[BACK] for one in ranks.values()], np.arange(num_videos), num_videos),
        "variants": variants(list(ranks.values()), owners, num_videos),
        "chance": {f"R@{k}": 100 * min(1.0, k / num_videos) for k in (1, 5, 10, 50)},
        "tags": _by_tag(data, raw),
        "rank_histogram": _histogram(raw, num_videos),
        "queries": _queries(data, raw),
    }


def _by_tag(data: Split, ranks: list[NDArray[np.float64]]) -> dict[str, dict[str, Any]]:
    """tag -> what the captions score that speak of that modality, and those that speak of nothing else."""
    tags = sorted({tag for tags in data.tags for tag in tags})
    return {
        tag: {
            "with_others": _chosen([tag in tags for tags in data.tags], ranks),
            "alone": _chosen([tags == (tag,) for tags in data.tags], ranks),
        }
        for tag in tags
    }


def _chosen(chosen: list[bool], ranks: list[NDArray[np.float64]]) -> dict[str, Any]:
    """How many captions are chosen, and what they score; no scores when there are none."""
    rows = np.array(chosen)
    scores = over_seeds([summary(one[rows]) for one in ranks]) if rows.any() else {}
    return {"captions": int(rows.sum()), "t2v": scores}


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


def _queries(data: Split, ranks: list[NDArray[np.float64]]) -> list[dict[str, Any]]:
    """Each caption with its video and its rank, from 1, with each seed."""
    owners = data.collection.caption_video
    return [
        {
            "caption": text,
            "video": data.videos[int(owners[index])].video_id,
            "tags": list(tags),
            "ranks": [float(one[index]) + 1 for one in ranks],
        }
        for index, (text, tags) in enumerate(zip(data.captions, data.tags, strict=True))
    ]
