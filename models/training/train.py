"""Training: all epochs, one of them kept; killed at any moment, it resumes and ends with the same numbers.

In a training's folder model.safetensors is written last and means that it is finished; until then state.safetensors
holds where it was. history.csv and, for TensorBoard, history.tfevents say what happened.
"""

import dataclasses
import logging
import math
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.config import ModelConfig, Training, recipe
from models.evaluation.evaluate import scores_of
from models.evaluation.metrics import caption_ranks, summary
from models.inputs.batches import Batch, Collection, Data, epoch
from models.training import checkpoint
from models.training import run as runs
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
    """What happened; the network of one epoch is then in `folder`, from where `checkpoint.load_model` takes it.

    A folder whose training is finished is left as it is. `progress` is called after each epoch.
    """
    folder.mkdir(parents=True, exist_ok=True)
    identity = _identity(data, validation, settings, seed)
    if finished(folder):
        return _known(folder / checkpoint.MODEL, identity)
    run = runs.start(data, settings, seed, choose(settings.runtime))
    _resume(run, folder / STATE, identity)
    trim = settings.architecture.mask_padding
    there, aside = (Data(split, run.hardware.device, trim) for split in (data, validation))
    written = time.monotonic()
    with closing(Events(folder, run.history.epochs)) as events:
        while len(run.history.epochs) < settings.training.epochs:
            _one_epoch(run, there, aside, settings.training)
            run.history.write(folder)
            events.add(run.history.epochs[-1])
            if time.monotonic() - written >= settings.runtime.checkpoint_s:
                checkpoint.write(folder / STATE, runs.tensors(run), runs.facts(run) | {"identity": identity})
                written = time.monotonic()
            if progress:
                progress(run.history.epochs[-1])
    _publish(run, folder, identity)
    return run.history


def finished(folder: Path) -> bool:
    """Whether the training in `folder` has ended."""
    return (folder / checkpoint.MODEL).exists()


def _one_epoch(run: Run, there: Data, aside: Data, settings: Training) -> None:
    """Trains once over `there`, evaluates on `aside`, and keeps the weights when they are the ones to keep so far."""
    number = len(run.history.epochs)
    rate = learning_rate(settings, number)
    run.model.train()
    losses, sizes = [], []
    for batch in epoch(there, settings.batch_size, run.generator):
        losses.append(_step(run, batch, rate))
        sizes.append(len(batch.texts.counts))
        if run.average is not None and settings.ema is not None:
            move_average(run.average, run.model, settings.ema, run.optimizer.steps)
    loss = float(np.average(torch.stack(losses).tolist(), weights=sizes))
    if not math.isfinite(loss):
        raise TrainingError(f"epoch {number + 1}: the loss is {loss}; lower training.learning_rate")
    metrics = summary(caption_ranks(scores_of(run.evaluated, aside), aside.collection.caption_video))
    run.history = History((*run.history.epochs, Epoch(number + 1, loss, rate, metrics)))
    if run.history.kept(settings.selection).epoch == number + 1:
        run.best = {key: value.detach().clone() for key, value in run.evaluated.state_dict().items()}


def _step(run: Run, batch: Batch, rate: float) -> Tensor:
    """The loss of one batch, which then moved the weights."""
    videos, texts, taught = batch
    with run.hardware.multiplying():
        scores = run.model(
            videos.experts, videos.available, texts.text.unsqueeze(1), videos.counts, texts.counts.unsqueeze(1)
        )
    loss: Tensor = run.loss(scores)
    if taught is not None:
        loss = loss + distillation(scores, taught.to(scores.device))
    run.optimizer.zero_grad()
    run.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
    run.scaler.step(run.optimizer, rate)  # type: ignore[arg-type]
    run.scaler.update()
    return loss.detach()


def _identity(data: Collection, validation: Collection, settings: ModelConfig, seed: int) -> Recipe:
    """What must be the same for a folder's training to be this one; the features themselves are the caller's affair."""
    experts = {expert.name: dataclasses.asdict(expert) for expert in data.experts}
    sizes = {name: [split.num_videos, len(split.tokens)] for name, split in (("train", data), ("val", validation))}
    return {"settings": recipe(settings), "seed": seed, "experts": experts, "sizes": sizes}


def _resume(run: Run, path: Path, identity: Recipe) -> None:
    """Puts the run where a killed one left off; a damaged file costs the work in it, and no more."""
    if not path.exists():
        return
    try:
        numbers, plain = checkpoint.read(path)
    except StoreError as error:
        log.warning("%s; training starts anew", error)
        return
    _check_same(path, plain["identity"], identity)
    runs.restore(run, numbers, plain)


def _known(path: Path, identity: Recipe) -> History:
    """The history of a finished training."""
    _, plain = checkpoint.read(path)
    _check_same(path, plain["identity"], identity)
    return History.parse(plain["history"])


def _check_same(path: Path, old: Recipe, new: Recipe) -> None:
    if old != new:
        changed = "; ".join(differences(old, new))
        raise TrainingError(f"{path} is of another training ({changed}); choose another folder, or delete this one")


def _publish(run: Run, folder: Path, identity: Recipe) -> None:
    plain = {"model": checkpoint.describe(run.model), "history": run.history.plain(), "identity": identity}
    checkpoint.write(folder / checkpoint.MODEL, run.best, plain)
    (folder / STATE).unlink(missing_ok=True)
    checkpoint.remove_partial(folder)
