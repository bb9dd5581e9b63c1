"""Trains a network and keeps the weights of one epoch; a killed training resumes and ends with the same weights.

In the folder of a training, model.safetensors is written last and marks it as finished; until then state.safetensors
is what it resumes from. history.csv and, for TensorBoard, history.tfevents hold the metrics of each epoch.
"""

import dataclasses
import logging
import math
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.config import ModelConfig, Training, recipe
from models.evaluation.bootstrap import low_of_many
from models.evaluation.evaluate import scores_of
from models.evaluation.metrics import caption_ranks, summary
from models.inputs.batches import Batch, Collection, Data, epoch
from models.training import checkpoint
from models.training import run as runs
from models.training.checkpoint_file import MODEL
from models.training.events import Events
from models.training.hardware import choose
from models.training.history import Epoch, History
from models.training.losses import distillation
from models.training.optim import learning_rate, move_average
from models.training.run import Run
from pipeline.errors import StoreError, TrainingError
from pipeline.stores.fingerprint import Recipe, differences

STATE = "state.safetensors"

log = logging.getLogger(__name__)


def train(
    data: Collection,
    validation: Collection,
    settings: ModelConfig,
    seed: int,
    folder: Path,
    progress: Callable[[Epoch], None] | None = None,
) -> History:
    """Trains in `folder` and returns the history; `checkpoint.load_model` reads the network from there.

    A finished training is left as it is. `progress` is called after each epoch. Raises TrainingError when the loss is
    not finite, or when `folder` holds a training with other settings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    identity = _identity(data, validation, settings, seed)
    if finished(folder):
        return _finished_history(folder / MODEL, identity)
    run = runs.start(data, settings, seed, choose(settings.runtime, settings.training))
    _resume(run, folder / STATE, identity)
    training_data, validation_data = _on_device(run, data, validation, settings.architecture.mask_padding)
    written = time.monotonic()
    with closing(Events(folder, run.history.epochs)) as events:
        if settings.architecture.is_aligned and not run.history.epochs:
            _no_epoch(run, training_data, validation_data, settings.training)
            run.history.write(folder)
            events.add(run.history.epochs[-1])
            if progress:
                progress(run.history.epochs[-1])
        while run.history.trained < settings.training.epochs:
            _one_epoch(run, training_data, validation_data, settings.training)
            run.history.write(folder)
            events.add(run.history.epochs[-1])
            if time.monotonic() - written >= settings.runtime.checkpoint_s:
                checkpoint.write(folder / STATE, runs.tensors(run), runs.facts(run) | {"identity": identity})
                written = time.monotonic()
            if progress:
                progress(run.history.epochs[-1])
    _publish(run, folder, identity)
    return run.history


def _on_device(run: Run, data: Collection, validation: Collection, trim: bool) -> tuple[Data, Data]:
    """Both splits; what is recorded for a GPU is for batches of one shape, so those of the training are not trimmed."""
    device = run.hardware.device
    return Data(data, device, trim and not run.records), Data(validation, device, trim)


def finished(folder: Path) -> bool:
    """Whether the training in `folder` has ended."""
    return (folder / MODEL).exists()


def _one_epoch(run: Run, training: Data, validation: Data, settings: Training) -> None:
    """Trains for one epoch, evaluates on the validation split, and keeps the weights if this epoch is selected."""
    number = run.history.trained
    rate = learning_rate(settings, number)
    run.model.train()
    losses, sizes = [], []
    for batch in epoch(training, settings.batch_size, run.generator):
        losses.append(train_step(run, batch, rate))
        training.trim = validation.trim and not run.records
        sizes.append(len(batch.texts.counts))
        if run.average is not None and settings.ema is not None:
            move_average(run.average, run.model, settings.ema, run.optimizer.steps)
    loss = float(np.average(torch.stack(losses).tolist(), weights=sizes))
    if not math.isfinite(loss):
        raise TrainingError(f"epoch {number + 1}: the loss is {loss}; lower training.learning_rate")
    _evaluate(run, validation, settings, Epoch(number + 1, loss, rate, {}))


@torch.no_grad()
def _no_epoch(run: Run, training: Data, validation: Data, settings: Training) -> None:
    """Evaluates before any training; no random number of the training is drawn, and no running statistic changed."""
    run.model.eval()
    batches = list(epoch(training, settings.batch_size, torch.Generator().manual_seed(0)))
    losses, sizes = [batch_loss(run, batch) for batch in batches], [len(batch.texts.counts) for batch in batches]
    _evaluate(
        run, validation, settings, Epoch(0, float(np.average(torch.stack(losses).tolist(), weights=sizes)), 0, {})
    )


def _evaluate(run: Run, validation: Data, settings: Training, ended: Epoch) -> None:
    """Adds an epoch with its metrics to the history, and keeps the weights if it is selected."""
    owners, videos = validation.collection.caption_video, validation.collection.num_videos
    ranks, above = caption_ranks(scores_of(run.evaluated, validation), owners), None
    found = 1 / (ranks.mean + 1)
    if not ended.epoch:
        run.first = torch.from_numpy(found)
    elif run.first is not None:
        above = low_of_many(found - run.first.numpy(), owners, videos, settings.epochs)
    ended = dataclasses.replace(ended, metrics=summary(ranks), above_start=above)
    run.history = History((*run.history.epochs, ended))
    if run.history.kept(settings.selection).epoch == ended.epoch:
        run.best = {key: value.detach().clone() for key, value in run.evaluated.state_dict().items()}


def train_step(run: Run, batch: Batch, rate: float) -> Tensor:
    """One optimiser step on a batch, at learning rate `rate`; returns the loss."""
    with run.hardware.float32_products():
        loss = _gradients(run, batch)
    run.scaler.step(run.optimizer, rate)  # type: ignore[arg-type]
    run.scaler.update()
    return loss


def _gradients(run: Run, batch: Batch) -> Tensor:
    """The loss of a batch; the parameters get its gradients."""
    if run.captured is not None:
        recorded = run.captured.loss(batch, partial(batch_loss, run))
        if recorded is not None:
            return recorded
    run.optimizer.zero_grad()
    loss = batch_loss(run, batch)
    run.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
    return loss.detach()


def batch_loss(run: Run, batch: Batch) -> Tensor:
    """The loss of a batch, with its graph."""
    videos, texts, teacher_scores = batch
    with run.hardware.autocast():
        scores = run.model(
            videos.experts, videos.available, texts.text.unsqueeze(1), videos.counts, texts.counts.unsqueeze(1),
            (videos.aligned, texts.aligned),
        )  # fmt: skip
    loss: Tensor = run.loss(scores)
    if teacher_scores is None:
        return loss
    return loss + distillation(scores, teacher_scores.to(scores.device))


def _identity(data: Collection, validation: Collection, settings: ModelConfig, seed: int) -> Recipe:
    """What a checkpoint must agree on to be resumed. The features are not part of it: the caller chooses the folder."""
    experts = {expert.name: dataclasses.asdict(expert) for expert in data.experts}
    sizes = {name: [split.num_videos, len(split.tokens)] for name, split in (("train", data), ("val", validation))}
    return {"settings": recipe(settings), "seed": seed, "experts": experts, "sizes": sizes}


def _resume(run: Run, path: Path, identity: Recipe) -> None:
    """Restores the run from the checkpoint at `path`, if there is one; with a damaged one, training starts anew."""
    if not path.exists():
        return
    try:
        saved, plain = checkpoint.read(path)
    except StoreError as error:
        log.warning("%s; training starts anew", error)
        return
    _check_same(path, plain["identity"], identity)
    runs.restore(run, saved, plain)


def _finished_history(path: Path, identity: Recipe) -> History:
    """The history of the finished training whose network is at `path`."""
    _, plain = checkpoint.read(path)
    _check_same(path, plain["identity"], identity)
    return History.parse(plain["history"])


def _check_same(path: Path, old: Recipe, new: Recipe) -> None:
    if old != new:
        changed = "; ".join(differences(old, new))
        raise TrainingError(f"{path} is of another training ({changed}); choose another folder, or delete this one")


def _publish(run: Run, folder: Path, identity: Recipe) -> None:
    """Writes model.safetensors, which marks the training as finished, and removes its checkpoints."""
    plain = {"model": checkpoint.describe(run.model), "history": run.history.plain(), "identity": identity}
    checkpoint.write(folder / MODEL, run.best, plain)
    (folder / STATE).unlink(missing_ok=True)
    checkpoint.remove_partial(folder)
