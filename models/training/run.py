"""All that the next epoch of a training depends on, in memory and in a file."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from models.config import ModelConfig
from models.inputs.batches import Collection
from models.networks.ce import CE
from models.training.hardware import Hardware
from models.training.history import History
from models.training.losses import Loss
from models.training.optim import Optimizer, optimizer


@dataclass
class Run:
    """A training in progress."""

    hardware: Hardware
    model: CE
    average: CE | None
    """Running mean of the weights, with `ema`."""
    loss: Loss
    optimizer: Optimizer
    scaler: torch.amp.GradScaler
    generator: torch.Generator
    """The only source of chance after the first weights."""
    history: History = field(default_factory=History)
    best: dict[str, Tensor] = field(default_factory=dict)
    """Weights of the best epoch so far."""

    @property
    def evaluated(self) -> CE:
        """The network that is evaluated and kept."""
        return self.average or self.model


def start(data: Collection, settings: ModelConfig, seed: int, hardware: Hardware) -> Run:
    """A training that has not begun; the seed decides the first weights and every draw, the device does not."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = CE(data.experts, data.text, settings.architecture)
    model.fit_inputs({name: torch.from_numpy(rows.values) for name, rows in data.features.items()})
    model.to(hardware.device)
    loss = Loss(settings.training).to(hardware.device)
    moved = optimizer([*model.parameters(), *loss.parameters()], settings.training)
    average = copy.deepcopy(model).requires_grad_(False) if settings.training.ema else None
    return Run(hardware, model, average, loss, moved, hardware.scaler(), torch.Generator().manual_seed(seed))


def tensors(run: Run) -> dict[str, Tensor]:
    """The part of the state that is numbers, for a file."""
    parts: dict[str, Mapping[str, Tensor]] = {"model": run.model.state_dict(), "loss": run.loss.state_dict()}
    parts["best"] = run.best
    if run.average:
        parts["average"] = run.average.state_dict()
    flat = {f"{part}/{key}": value for part, values in parts.items() for key, value in values.items()}
    for name, values in run.optimizer.state.items():
        flat |= {f"optimizer/{name}/{index}": value for index, value in enumerate(values)}
    return flat | {"generator": run.generator.get_state()}


def facts(run: Run) -> dict[str, Any]:
    """The rest of the state, as plain JSON."""
    return {"history": run.history.plain(), "steps": run.optimizer.steps, "scaler": run.scaler.state_dict()}


def restore(run: Run, numbers: Mapping[str, Tensor], plain: Mapping[str, Any]) -> None:
    """Puts a started run where `tensors` and `facts` left off."""
    run.model.load_state_dict(_part(numbers, "model"))
    run.loss.load_state_dict(_part(numbers, "loss"))
    if run.average:
        run.average.load_state_dict(_part(numbers, "average"))
    run.best = _part(numbers, "best")
    for name, values in run.optimizer.state.items():
        for index, value in enumerate(values):
            value.copy_(numbers[f"optimizer/{name}/{index}"])
    run.optimizer.steps = plain["steps"]
    run.scaler.load_state_dict(plain["scaler"])
    run.generator.set_state(numbers["generator"])
    run.history = History.parse(plain["history"])


def _part(numbers: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    return {key.removeprefix(f"{part}/"): value for key, value in numbers.items() if key.startswith(f"{part}/")}
