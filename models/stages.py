"""Training and evaluation as the DAG calls them: train one seed, evaluate all seeds, evaluate a released model."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from models.config import ModelConfig, Runtime
from models.evaluation import trec
from models.evaluation.evaluate import similarities
from models.evaluation.metrics import MONITOR
from models.evaluation.report_body import body, ranks_of
from models.evaluation.report_columns import T2V
from models.fusion.mixture import Selection
from models.inputs.batches import Collection, Teacher
from models.inputs.load import Sources, Split, bank, collect
from models.networks.ce import CE
from models.released.load import load_released
from models.training import checkpoint, checkpoint_file, history
from models.training.hardware import choose, threads
from models.training.teachers import denoised, teacher
from models.training.train import train
from models.zero_shot.aligned import aligned_texts, calibration_splits, collected
from models.zero_shot.engines import engines, started
from models.zero_shot.moments import moment_rows
from models.zero_shot.report_row import untrained_rows
from models.zero_shot.stored import LabelSources
from pipeline.errors import TrainingError
from pipeline.running.cpu import freed_memory_kept

SELECTIONS = {
    "validation": "validation: best epoch by t2v geometric mean of R@1, R@5, R@10 on the validation split; "
    "the test split is seen once",
    "last": "last: the last epoch, trained on the validation split too; no split chose it",
    "test": "test: best epoch by t2v geometric mean of R@1, R@5, R@10 on the test split itself, trained on the "
    "validation split too; better than new videos would give",
}
NOT_TRAINED = "none: nothing was trained, the scores are those of frozen encoders"
RUN_FILES = (checkpoint_file.MODEL, history.NAME)
"""Names of the files of a finished training; the one for TensorBoard is left out, since nothing reads it here."""
BANK_CAPTIONS = 10_000
"""Maximum number of training captions in the querybank of QB-Norm."""


@dataclass(frozen=True)
class Beside:
    """What some trainings need beside their sources."""

    teachers: Sequence[tuple[Sources, Path]] = ()
    """Sources and folder of each finished teacher."""
    labels: LabelSources | None = None
    """Label words, from whose scores a residual network starts too; None without."""


def train_seed(
    sources: Sources,
    settings: ModelConfig,
    seed: int,
    folder: Path,
    progress: Callable[[int, int], None],
    beside: Beside | None = None,
) -> None:
    """Trains one seed in `folder`, or resumes it there; does nothing when it is finished.

    `progress` is called with (finished epochs, all epochs).
    """
    teachers, labels = (beside.teachers, beside.labels) if beside else ((), None)
    train_splits, validation_split = splits(settings)
    if settings.architecture.head == "zero_shot":
        train_splits = calibration_splits(sources.manifest, train_splits)
        validation_split = train_splits[0]
    training = collected(sources, settings.architecture, labels, *train_splits)
    validation = collected(sources, settings.architecture, labels, validation_split)
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
    read = functools.partial(collected, sources, settings.architecture, labels)
    data = read(split, to_report=True)
    device = str(choose(settings.runtime).device)
    # On the training split the querybank would consist of the evaluated queries themselves.
    captions = None if split == "train" else _bank(sources, data, labels)
    selection = Selection.of(read, settings, split)
    models = ((seed, checkpoint.load_model(folder, device)) for seed, folder in runs.items())
    ranks = {seed: ranks_of(model, data, captions, selection.of_seed(seed)) for seed, model in models}
    is_trained = settings.architecture.head != "zero_shot"
    training = {str(seed): _curve(folder) for seed, folder in runs.items()} if is_trained else {}
    raw = [columns[T2V] for columns in ranks.values()] if is_trained else []
    start = started(sources, labels, splits(settings)[0])
    ranked = functools.partial(engines, sources, labels=labels, start=start, device=device)
    rows = untrained_rows(sources, data, ranked, raw, _validated(settings, runs))
    return {
        "split": split,
        "selection": SELECTIONS[settings.training.selection] if is_trained else NOT_TRAINED,
        **body(data, ranks),
        "training": training,
        **_kept(settings, runs),
        **({"untrained": rows} if rows else {}),
        **({"moments": moments} if (moments := moment_rows(sources, data)) else {}),
        **selection.report(data, list(ranks.values())),
    }


def _bank(sources: Sources, data: Split, labels: LabelSources | None) -> Collection | None:
    """The querybank with the videos of `data`; None where there is no training caption."""
    captions, own = bank(sources, BANK_CAPTIONS), data.collection
    if not captions.captions:
        return None
    texts = aligned_texts(sources, captions.captions, labels) if own.aligned else {}
    aligned = {name: replace(pair, texts=texts[name]) for name, pair in own.aligned.items()}
    owners = np.zeros(len(captions.captions), np.int64)
    return replace(own, tokens=captions.tokens, caption_video=owners, aligned=aligned)


def write_trec(
    sources: Sources,
    settings: ModelConfig,
    runs: Mapping[int, Path],
    split: str,
    folder: Path,
    labels: LabelSources | None = None,
) -> list[Path]:
    """Writes the rankings of the trained seeds on a split as TREC's files into `folder`; returns their paths."""
    data = collected(sources, settings.architecture, labels, split, to_report=True)
    device = str(choose(settings.runtime).device)
    found = ((seed, similarities(checkpoint.load_model(run, device), data.collection)) for seed, run in runs.items())
    return trec.write(folder, data, found)


def evaluate_released(
    sources: Sources, checkpoint: Path, settings: Path, names: Mapping[str, str], split: str
) -> dict[str, Any]:
    """As `evaluate_seeds`, for the published model in the files `checkpoint` and `settings`.

    `names`: the model's name of an expert -> its name in `sources`.
    """
    model, model_sources = _released(sources, checkpoint, settings, names)
    data = collect(model_sources, split, to_report=True)
    has_bank = model_sources.manifest.split("train") and split != "train"
    captions = _bank(model_sources, data, None) if has_bank else None
    found = body(data, {0: ranks_of(model, data, captions)})
    return {"split": split, "selection": f"released: {checkpoint.name}", **found, "training": {}}


def write_released_trec(
    sources: Sources, checkpoint: Path, settings: Path, names: Mapping[str, str], split: str, folder: Path
) -> list[Path]:
    """As `write_trec`, for the published model of `evaluate_released`, as the one of seed 0."""
    model, model_sources = _released(sources, checkpoint, settings, names)
    data = collect(model_sources, split, to_report=True)
    return trec.write(folder, data, [(0, similarities(model, data.collection))])


def _released(sources: Sources, checkpoint: Path, settings: Path, names: Mapping[str, str]) -> tuple[CE, Sources]:
    """The published model, and the sources under its names."""
    dims = {expert.name: expert.dim for expert in sources.experts}
    given = {theirs: dims[ours] for theirs, ours in names.items()}
    model = load_released(checkpoint, settings, given).to(choose(Runtime()).device)
    return model, renamed(sources, model, names)


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


def _curve(folder: Path) -> list[dict[str, float]]:
    """Loss and validation metrics of each epoch of the finished training in `folder`."""
    return [
        {"epoch": epoch.epoch, "loss": epoch.loss, **{key: float(value) for key, value in epoch.metrics.items()}}
        for epoch in checkpoint.read_history(folder).epochs
    ]


def _kept(settings: ModelConfig, runs: Mapping[int, Path]) -> dict[str, Any]:
    """{"kept": seed -> the epoch that is kept}, of a network that starts from frozen scores; empty for others."""
    if settings.architecture.head != "residual":
        return {}
    chosen = settings.training.selection
    return {"kept": {str(seed): checkpoint.read_history(run).kept(chosen).epoch for seed, run in runs.items()}}


def _validated(settings: ModelConfig, runs: Mapping[int, Path]) -> float | None:
    """Mean over the seeds of what their kept epochs reach on the validation split, which was not trained on.

    None where it was, or where nothing was trained.
    """
    kept = settings.training.selection
    histories = [checkpoint.read_history(folder) for folder in runs.values()]
    if kept != "validation" or settings.architecture.head == "zero_shot":
        return None
    return float(np.mean([history.kept(kept).metrics[MONITOR] for history in histories]))
