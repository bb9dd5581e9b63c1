"""The state of a training in progress: how it starts, and how it is saved to and restored from a checkpoint."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from models.config import ModelConfig
from models.fusion.fixed import Start
from models.inputs.aligned import Calibration
from models.inputs.batches import Collection
from models.network_inputs import AlignedInput
from models.networks.ce import CE
from models.networks.residual import Residual, network
from models.training.captured import Captured
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
    """Moving average of the weights, with `ema`; else None."""
    loss: Loss
    optimizer: Optimizer
    scaler: torch.amp.GradScaler
    generator: torch.Generator
    """The only source of random numbers after initialisation."""
    captured: Captured | None
    """On a GPU, what computes gradients by a recording; None on a CPU, and in float16, as the loss's scale varies."""
    history: History = field(default_factory=History)
    best: dict[str, Tensor] = field(default_factory=dict)
    """Weights of the epoch that is kept so far."""
    first: Tensor | None = None
    """(C,), 1 / rank of each validation caption's video before any training, of a network that starts from frozen
    scores; else None."""

    @property
    def records(self) -> bool:
        """Whether passes are recorded, or will be with the first batch."""
        return self.captured is not None and self.captured.is_possible

    @property
    def evaluated(self) -> CE:
        """The network that is evaluated and kept: the moving average, if there is one."""
        return self.average or self.model


def start(data: Collection, settings: ModelConfig, seed: int, hardware: Hardware) -> Run:
    """A training before its first epoch; the seed alone decides the initial weights and all random numbers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = network(data.experts, data.text, settings.architecture, _aligned(data))
    if isinstance(model, Residual):
        _begin(model, data)
    model.fit_inputs({name: torch.from_numpy(rows.values) for name, rows in data.features.items()})
    model.to(hardware.device)
    loss = Loss(settings.training).to(hardware.device)
    chosen = optimizer([*model.parameters(), *loss.parameters()], settings.training)
    average = copy.deepcopy(model).requires_grad_(False) if settings.training.ema else None
    can_record = hardware.device.type == "cuda" and hardware.dtype != torch.float16
    captured = Captured(model, chosen, hardware.device) if can_record else None
    generator = torch.Generator().manual_seed(seed)
    return Run(hardware, model, average, loss, chosen, hardware.scaler(), generator, captured)


def _begin(model: Residual, data: Collection) -> None:
    """Sets the untrained fusion with which the network starts: of the head `zero_shot` the mean, as it stays."""
    for name, pair in data.aligned.items():
        found = Calibration.of(pair, data.caption_video)
        model.calibrate(name, found.mean, found.scale)
    if model.settings.head == "residual":
        model.weigh(Start.of(data.aligned, data.caption_video).weights)


def _aligned(data: Collection) -> list[AlignedInput]:
    return [AlignedInput(name, pair.texts.shape[1], pair.temperature) for name, pair in data.aligned.items()]


def tensors(run: Run) -> dict[str, Tensor]:
    """The tensors of the state, for a checkpoint."""
    parts: dict[str, Mapping[str, Tensor]] = {"model": run.model.state_dict(), "loss": run.loss.state_dict()}
    parts["best"] = run.best
    if run.average:
        parts["average"] = run.average.state_dict()
    if run.first is not None:
        parts["first"] = {"found": run.first}
    flat = {f"{part}/{key}": value for part, values in parts.items() for key, value in values.items()}
    for name, values in run.optimizer.state.items():
        flat |= {f"optimizer/{name}/{index}": value for index, value in enumerate(values)}
    return flat | {"generator": run.generator.get_state()}


def facts(run: Run) -> dict[str, Any]:
    """The rest of the state, as plain JSON, for a checkpoint."""
    return {"history": run.history.plain(), "steps": run.optimizer.steps, "scaler": run.scaler.state_dict()}


def restore(run: Run, saved: Mapping[str, Tensor], plain: Mapping[str, Any]) -> None:
    """Brings a started run to the state that `tensors` and `facts` returned."""
    run.model.load_state_dict(_part(saved, "model"))
    run.loss.load_state_dict(_part(saved, "loss"))
    if run.average:
        run.average.load_state_dict(_part(saved, "average"))
    run.best = _part(saved, "best")
    run.first = _part(saved, "first").get("found")
    for name, values in run.optimizer.state.items():
        for index, value in enumerate(values):
            value.copy_(saved[f"optimizer/{name}/{index}"])
    run.optimizer.steps = plain["steps"]
    run.scaler.load_state_dict(plain["scaler"])
    run.generator.set_state(saved["generator"])
    run.history = History.parse(plain["history"])


def _part(saved: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    return {key.removeprefix(f"{part}/"): value for key, value in saved.items() if key.startswith(f"{part}/")}
