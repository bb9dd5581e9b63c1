"""The forward and backward pass of a batch as one CUDA graph: the GPU is given all kernels at once, and waits for none.

A step of CE is some 2,500 small kernels. One by one a CPU launches them more slowly than an H200 computes them: at the
dimensions of MSR-VTT 50 ms a step for the gradients, recorded 11. A graph is a recording: it computes on the same
memory each time, so batches are copied there, and only batches of equal shapes can be computed by it.
"""

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from models.inputs.batches import Batch, Texts, Videos
from models.training.optim import Optimizer

log = logging.getLogger(__name__)

WARM_UP = 3
"""Passes before the recording, in which libraries choose their algorithms and take their memory."""

APART = 0.01
"""By how much the gradients of a recorded pass may differ from those of the same pass without; rounding is less."""

LossOf = Callable[[Batch], Tensor]
"""The loss of a batch, with its graph for the backward pass."""


class Captured:
    """Computes gradients by a recording where batches have the shapes of the first one, and kernel by kernel else."""

    def __init__(self, model: nn.Module, optimizer: Optimizer, device: torch.device) -> None:
        self._model, self._optimizer, self._device = model, optimizer, device
        self._recording: _Recording | None = None
        self.is_possible = True
        """Until a recording has failed."""

    def loss(self, batch: Batch, loss_of: LossOf) -> Tensor | None:
        """The loss of a batch, its gradients being those of the parameters; None where it is not to be recorded.

        Recorded is the first batch that is asked for: the batches of a training are of one size but for the last.
        """
        if not self.is_possible:
            return None
        if self._recording is None:
            self._recording = self._recorded(batch, loss_of)
        if self._recording is None or self._recording.shapes != _shapes(batch):
            return None
        with _on(self._device):
            return self._recording.replay(batch)

    def _recorded(self, batch: Batch, loss_of: LossOf) -> "_Recording | None":
        try:
            with _on(self._device):
                return _Recording(self._model, self._optimizer, _copy(batch, self._device), loss_of)
        except RuntimeError as error:  # torch's for what cannot be recorded, and for memory that is short
            log.warning("training without a CUDA graph, and so more slowly: %s", str(error).partition("\n")[0])
            self.is_possible = False
            return None


class _Recording:
    """A recorded pass, and the memory that it reads and writes."""

    _graph: torch.cuda.CUDAGraph
    _loss: Tensor
    _gradients: list[Tensor | None]

    def __init__(self, model: nn.Module, optimizer: Optimizer, batch: Batch, loss_of: LossOf) -> None:
        self.shapes = _shapes(batch)
        self._batch = batch
        self._inputs = list(_tensors(batch).values())
        self._params = optimizer.params
        # Running statistics change with each pass, also with those that are no step of the training.
        buffers = [buffer for buffer in model.buffers() if buffer.numel()]
        before = [buffer.clone() for buffer in buffers]
        try:
            loss, gradients = self._warm_up(optimizer, loss_of)
            optimizer.zero_grad()  # gradients that are not there yet are written by each replay, not added to
            self._record(loss_of)
            self._run()
            self._check(loss, gradients)
        finally:
            optimizer.zero_grad()
            for buffer, kept in zip(buffers, before, strict=True):
                buffer.copy_(kept)

    def _warm_up(self, optimizer: Optimizer, loss_of: LossOf) -> tuple[Tensor, list[Tensor | None]]:
        """The loss of the batch and its gradients; on a stream of its own, as a recording takes place on one."""
        stream, current = torch.cuda.Stream(), torch.cuda.current_stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(current)
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                optimizer.zero_grad()
                loss = loss_of(self._batch)
                loss.backward()  # type: ignore[no-untyped-call]
        current.wait_stream(stream)
        return loss.detach(), [param.grad for param in self._params]

    def _record(self, loss_of: LossOf) -> None:
        self._graph = torch.cuda.CUDAGraph()
        # On a stream of this device: by default it is one of the device that recorded first.
        with torch.cuda.graph(self._graph, stream=torch.cuda.Stream()):  # type: ignore[no-untyped-call]
            loss = loss_of(self._batch)
            loss.backward()  # type: ignore[no-untyped-call]
        # Without its graph for the backward pass, which is of the stream of the recording, as no later pass is.
        self._loss = loss.detach()
        self._gradients = [param.grad for param in self._params]

    def _run(self) -> None:
        self._graph.replay()

    def _check(self, loss: Tensor, gradients: list[Tensor | None]) -> None:
        """RuntimeError where what was recorded gives other numbers than the same pass kernel by kernel.

        What a recording must not hold (a copy from memory that is gone, a decision of Python's) is not always refused.
        """
        missing = [(one is None) != (other is None) for one, other in zip(self._gradients, gradients, strict=True)]
        pairs = [
            (one, other)
            for one, other in zip(self._gradients, gradients, strict=True)
            if not (one is None or other is None)
        ]
        off = sum(((one - other).float().square().sum() for one, other in pairs), (self._loss - loss).square())
        size = sum((other.float().square().sum() for _, other in pairs), loss.square())
        if any(missing) or not bool(off <= APART**2 * size):
            raise RuntimeError("its recorded pass gave other gradients than the pass itself")

    def replay(self, batch: Batch) -> Tensor:
        """The loss of a batch of these shapes; the parameters have its gradients, until the next replay."""
        for held, new in zip(self._inputs, _tensors(batch).values(), strict=True):
            held.copy_(new, non_blocking=True)
        self._run()
        for param, gradient in zip(self._params, self._gradients, strict=True):
            param.grad = gradient
        return self._loss.clone()


def _on(device: torch.device) -> AbstractContextManager[object]:
    """The context in which streams are those of the device."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


def _tensors(batch: Batch) -> dict[str, Tensor]:
    """All tensors of a batch, by where they are in it."""
    videos, texts, scores = batch
    parts: dict[str, Mapping[str, Tensor]] = {
        "experts": videos.experts,
        "available": videos.available,
        "counts": videos.counts,
        "aligned": videos.aligned,
        "texts": {"text": texts.text, "counts": texts.counts},
        "aligned texts": texts.aligned,
        "teachers": {} if scores is None else {"scores": scores},
    }
    return {f"{part}/{name}": value for part, values in parts.items() for name, value in values.items()}


def _shapes(batch: Batch) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in _tensors(batch).items()}


def _copy(batch: Batch, device: torch.device) -> Batch:
    """The same values on the device, in memory of their own."""
    videos, texts, scores = batch

    def copied(value: Tensor) -> Tensor:
        return value.to(device, copy=True)

    def all_copied(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: copied(value) for name, value in values.items()}

    return Batch(
        Videos(*map(all_copied, (videos.experts, videos.available, videos.counts, videos.aligned))),
        Texts(copied(texts.text), copied(texts.counts), all_copied(texts.aligned)),
        None if scores is None else copied(scores),
    )
