"""Training and evaluation as the DAG calls them: train one seed, evaluate all seeds, evaluate a released model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from models.config import ModelConfig, Runtime
from models.evaluation import trec
from models.evaluation.evaluate import similarities
from models.evaluation.metrics import Ranks, over_seeds, summary
from models.evaluation.report_columns import T2V, V2T, Scored, all_ranks, metrics_with_intervals, variants
from models.fusion.mixture import Selected, Selection
from models.inputs.batches import Teacher
from models.inputs.load import Sources, Split, bank, collect
from models.networks.ce import CE
from models.released.load import load_released
from models.training import checkpoint, history
from models.training.hardware import choose, threads
from models.training.history import History
from models.training.teachers import denoised, teacher
from models.training.train import train
from models.zero_shot.report_row import untrained
from models.zero_shot.stored import LabelSources
from pipeline.errors import TrainingError
from pipeline.running.cpu import freed_memory_kept
from pipeline.stores.ragged import Ragged

Columns = Mapping[str, Ranks]
"""Name of a report column -> the ranks of its queries."""

SELECTIONS = {
    "validation": "validation: best epoch by t2v geometric mean of R@1, R@5, R@10 on the validation split; "
    "the test split is seen once",
    "last": "last: the last epoch, trained on the validation split too; no split chose it",
    "test": "test: best epoch by t2v geometric mean of R@1, R@5, R@10 on the test split itself, trained on the "
    "validation split too; better than new videos would give",
}
RUN_FILES = (checkpoint.MODEL, history.NAME)
"""Names of the files of a finished training; the one for TensorBoard is left out, since nothing reads it here."""
BANK_CAPTIONS = 10_000
"""Maximum number of training captions in the querybank of QB-Norm."""


def train_seed(
    sources: Sources,
    settings: ModelConfig,
    seed: int,
    folder: Path,
    progress: Callable[[int, int], None],
    teachers: Sequence[tuple[Sources, Path]] = (),
) -> None:
    """Trains one seed in `folder`, or resumes it there; does nothing when it is finished.

    `progress` is called with (finished epochs, all epochs). `teachers`: sources and folder of each finished teacher.
    """
    train_splits, validation_split = splits(settings)
    training, validation = collect(sources, *train_splits), collect(sources, validation_split)
    device = str(choose(settings.runtime).device)
    loaded = tuple(_teacher(training, collect(other, *train_splits), path, device) for other, path in teachers)
    data = replace(training.collection, teachers=loaded)
    if settings.training.worst_rank is not None:
        data = denoised(data, settings.training.worst_rank)
    total = settings.training.epochs
    with threads(settings.runtime), freed_memory_kept():
        train(data, validation.collection, settings, seed, folder, lambda epoch: progress(epoch.epoch, total))


def _teacher(student: Split, split: Split, folder: Path, device: str) -> Teacher:
    """The trained network in `folder` as a teacher; `split` has the student's videos with the teacher's own features.

    Raises TrainingError when the two splits hold different videos.
    """
    if [video.video_id for video in student.videos] != [video.video_id for video in split.videos]:
        raise TrainingError(
            f"the teacher in {folder} sees other training videos than the model that learns from it: "
            "both need at least one expert that is there for the same videos"
        )
    return teacher(checkpoint.load_model(folder, device), split.collection)


def splits(settings: ModelConfig) -> tuple[tuple[str, ...], str]:
    """The splits to train on, and the split that is evaluated after each epoch."""
    if settings.training.selection == "validation":
        return ("train",), "val"
    return ("train", "val"), "test"


def evaluate_seeds(
    sources: Sources, settings: ModelConfig, runs: Mapping[int, Path], split: str, labels: LabelSources | None = None
) -> dict[str, Any]:
    """The body of report.json, as plain JSON: metrics of the trained seeds on a split.

    Metrics are means over the seeds with the sample standard deviation (0 for one seed). With `labels` there is
    `untrained` too: the same split without any training.
    """
    data = collect(sources, split)
    device = str(choose(settings.runtime).device)
    # On the training split the querybank would consist of the evaluated queries themselves.
    captions = None if split == "train" else bank(sources, BANK_CAPTIONS)
    selection = Selection.of(sources, settings, split)
    models = ((seed, checkpoint.load_model(folder, device)) for seed, folder in runs.items())
    ranks = {seed: ranks_of(model, data, captions, selection.of_seed(seed)) for seed, model in models}
    training = {str(seed): _curve(folder) for seed, folder in runs.items()}
    raw = [columns[T2V] for columns in ranks.values()]
    return {
        "split": split,
        "selection": SELECTIONS[settings.training.selection],
        **body(data, ranks),
        "training": training,
        **({"untrained": {"label_words": untrained(sources, data, labels, raw)}} if labels else {}),
        **selection.report(data, list(ranks.values())),
    }


def write_trec(
    sources: Sources, settings: ModelConfig, runs: Mapping[int, Path], split: str, folder: Path
) -> list[Path]:
    """Writes the rankings of the trained seeds on a split as TREC's files into `folder`; returns their paths."""
    data = collect(sources, split)
    device = str(choose(settings.runtime).device)
    found = ((seed, similarities(checkpoint.load_model(run, device), data.collection)) for seed, run in runs.items())
    return trec.write(folder, data, found)


def evaluate_released(
    sources: Sources, checkpoint: Path, settings: Path, names: Mapping[str, str], split: str
) -> dict[str, Any]:
    """As `evaluate_seeds`, for the published model in the files `checkpoint` and `settings`.

    `names`: the model's name of an expert -> its name in `sources`.
    """
    dims = {expert.name: expert.dim for expert in sources.experts}
    given = {theirs: dims[ours] for theirs, ours in names.items()}
    model = load_released(checkpoint, settings, given).to(choose(Runtime()).device)
    model_sources = renamed(sources, model, names)
    data = collect(model_sources, split)
    has_bank = model_sources.manifest.split("train") and split != "train"
    captions = bank(model_sources, BANK_CAPTIONS) if has_bank else None
    found = body(data, {0: ranks_of(model, data, captions)})
    return {"split": split, "selection": f"released: {checkpoint.name}", **found, "training": {}}


def renamed(sources: Sources, model: CE, names: Mapping[str, str]) -> Sources:
    """The sources under the model's names of the experts, with the model's dimensions and text input."""
    ours = {expert.name: names[expert.name] for expert in model.experts}
    return replace(
        sources,
        experts=model.experts,
        stores={model_name: sources.stores[name] for model_name, name in ours.items()},
        text=model.text_input,
        imported={model_name: sources.imported[name] for model_name, name in ours.items() if name in sources.imported},
    )


def ranks_of(model: CE, data: Split, captions: Ragged | None, selected: Selected | None = None) -> Columns:
    """Ranks for each column of the report; `captions` (N rows): token vectors of the querybank, None without one.

    `selected`: gives the scores with a selector's weights, from the network, the split and its own scores.
    """
    scores, bank_scores = similarities(model, data.collection), None
    if captions is not None:
        owners = np.zeros(len(captions), np.int64)
        bank_scores = similarities(model, replace(data.collection, tokens=captions, caption_video=owners))
    chosen = selected(model, data.collection, scores) if selected else None
    return all_ranks(Scored(scores, data.collection.caption_video, data.captions, bank_scores, chosen))


def body(data: Split, ranks: Mapping[int, Columns]) -> dict[str, Any]:
    """The part of a report that follows from the ranks alone; `ranks`: seed -> ranks."""
    owners, num_videos = data.collection.caption_video, data.collection.num_videos
    raw = [columns[T2V] for columns in ranks.values()]
    return {
        "seeds": list(ranks),
        "gallery": {"videos": num_videos, "captions": len(data.captions)},
        "blind": [video.video_id for video in data.blind],
        T2V: metrics_with_intervals(raw, owners, num_videos),
        V2T: metrics_with_intervals([columns[V2T] for columns in ranks.values()], np.arange(num_videos), num_videos),
        "variants": variants(list(ranks.values()), owners, num_videos),
        "chance": {f"R@{k}": 100 * min(1.0, k / num_videos) for k in (1, 5, 10, 50)},
        "tags": _by_tag(data, raw),
        "rank_histogram": _histogram(raw, num_videos),
        "queries": _queries(data, raw),
    }


def _by_tag(data: Split, ranks: list[Ranks]) -> dict[str, dict[str, Any]]:
    """Tag (a modality) -> metrics of the captions that have it, and of those that have no other tag."""
    tags = sorted({tag for tags in data.tags for tag in tags})
    return {
        tag: {
            "with_others": _subset([tag in tags for tags in data.tags], ranks),
            "alone": _subset([tags == (tag,) for tags in data.tags], ranks),
        }
        for tag in tags
    }


def _subset(chosen: list[bool], ranks: list[Ranks]) -> dict[str, Any]:
    """Number of chosen captions, and their metrics; empty metrics when there are none."""
    rows = np.array(chosen)
    scores = over_seeds([summary(seed_ranks.take(rows)) for seed_ranks in ranks]) if rows.any() else {}
    return {"captions": int(rows.sum()), "t2v": scores}


def _histogram(ranks: list[Ranks], num_videos: int) -> list[dict[str, float]]:
    """Bins of ranks `first` to `last` (from 1) with the percentage of captions, over all seeds, that fall into them.

    A caption whose video ties counts in several bins by its share, as in the recalls.
    """
    edges = [1, 2, 3, 4, 6, 11, 21, 51, 101, 1001]
    edges = [edge for edge in edges if edge <= num_videos] + [num_videos + 1]
    within = [np.mean([of_seed.hits(edge - 1).mean() for of_seed in ranks]) for edge in edges]
    shares = 100 * np.diff(within)
    return [
        {"first": first, "last": after - 1, "percent": float(share)}
        for first, after, share in zip(edges[:-1], edges[1:], shares, strict=True)
    ]


def _curve(folder: Path) -> list[dict[str, float]]:
    """Loss and validation metrics of each epoch of the finished training in `folder`."""
    _, facts = checkpoint.read(folder / checkpoint.MODEL)
    return [
        {"epoch": epoch.epoch, "loss": epoch.loss, **{key: float(value) for key, value in epoch.metrics.items()}}
        for epoch in History.parse(facts["history"]).epochs
    ]


def _queries(data: Split, ranks: list[Ranks]) -> list[dict[str, Any]]:
    """Each caption with its video, its tags and its place (see `pipeline.reports.report.Place`) for each seed."""
    owners = data.collection.caption_video
    places = np.array([of_seed.mean + 1 for of_seed in ranks]).T.tolist()
    equal = np.array([of_seed.equal for of_seed in ranks]).T.tolist()
    return [
        {
            "caption": text,
            "video": data.videos[int(owners[index])].video_id,
            "tags": list(tags),
            "ranks": places[index],
            "equal": equal[index],
        }
        for index, (text, tags) in enumerate(zip(data.captions, data.tags, strict=True))
    ]
