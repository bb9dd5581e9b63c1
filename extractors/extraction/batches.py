"""Runs an expert on batches: in the configured precision, and in halves where GPU memory is short."""

import logging
import sys
import threading
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors.base import Embedded
from extractors.configs import FLOAT32, Precision
from extractors.registry import NamedExpert
from pipeline.running.cpu import give_back_freed_memory, without_collection
from pipeline.running.tf32 import tf32

log = logging.getLogger(__name__)


class Batches:
    """The networks of one expert on one device, loaded once."""

    def __init__(self, expert: NamedExpert, device: str) -> None:
        self._expert = expert
        self._device = device
        self._loaded = False
        self._loading = threading.Lock()
        self._limit: int | None = None

    def load(self) -> None:
        """Load the networks, if they are not loaded; to be called before each `embed`, in any thread."""
        with self._loading:
            if not self._loaded:
                self._load()
                self._loaded = True

    def _load(self) -> None:
        extractor, config = self._expert.extractor, self._expert.config
        is_plain = self._device == "cpu" and config.precision in FLOAT32
        if not is_plain or config.runtime.compile or not extractor.load_without_torch():
            # To import torch makes a million objects and next to no garbage: to look for some takes a tenth of it.
            with without_collection():
                extractor.load(self._device)
            if config.runtime.onnx and is_plain:
                extractor.use_onnx_runtime()
            elif config.runtime.compile:
                extractor.compile()
        if self._device == "cpu":
            give_back_freed_memory()

    def embed(self, items: NDArray[Any]) -> Embedded:
        """The features of a batch (B, ...); computed in parts where the batch does not fit into GPU memory."""
        limit = self._limit or len(items)
        parts = [self._embed_halving(items[first : first + limit]) for first in range(0, len(items), limit)]
        return parts[0] if len(parts) == 1 else _concatenate(parts, limit)

    def _embed_halving(self, items: NDArray[Any]) -> Embedded:
        """As `embed`, halving a batch that does not fit; later batches start with the size that did."""
        try:
            with _precision(self._expert.config.precision, self._device):
                return self._expert.extractor.embed(items)
        except Exception as error:
            if len(items) == 1 or not _is_out_of_memory(error):
                raise
        # Outside the except block: inside it the traceback would keep the tensors of the failed try alive.
        half = (len(items) + 1) // 2
        self._set_limit(half)
        return _concatenate([self._embed_halving(items[:half]), self._embed_halving(items[half:])], half)

    def _set_limit(self, limit: int) -> None:
        import torch

        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if self._limit is None:
            log.warning(
                "expert %s: the GPU's memory is full; going on with smaller batches. To spare the tries, set "
                "runtime: gpu_batch_size: %d in its YAML",
                self._expert.name,
                limit,
            )
        self._limit = min(limit, self._limit or limit)


def _precision(precision: Precision, device: str) -> AbstractContextManager[object]:
    """torch.autocast; for float32 with or without TF32; nothing where no network is loaded."""
    if "torch" not in sys.modules:
        return nullcontext()
    import torch

    kind = device.partition(":")[0]
    if precision in FLOAT32:
        # By default cuDNN rounds the inputs of convolutions to 10 bits (TF32), also where float32 is asked for.
        return tf32(precision == "tf32") if kind == "cuda" else nullcontext()
    return torch.autocast(kind, torch.float16 if precision == "fp16" else torch.bfloat16)


def _is_out_of_memory(error: Exception) -> bool:
    """Whether the error is torch's; without torch in memory it cannot be."""
    kind = getattr(sys.modules.get("torch"), "OutOfMemoryError", None)  # another thread may be importing it
    return kind is not None and isinstance(error, kind)


def _concatenate(parts: list[Embedded], length: int) -> Embedded:
    """The features of a batch from those of its parts, which have `length` items each, the last one maybe fewer."""
    index = [part.item_index + number * length for number, part in enumerate(parts)]
    names = parts[0].extras
    extras = {name: np.concatenate([part.extras[name] for part in parts]) for name in names}
    times = [part.times_s for part in parts if part.times_s is not None]
    faults = [{number * length + at: why for at, why in part.faults.items()} for number, part in enumerate(parts)]
    return Embedded(
        np.concatenate([part.values for part in parts]),
        np.concatenate(index),
        extras,
        np.concatenate(times) if len(times) == len(parts) else None,
        {at: why for of_part in faults for at, why in of_part.items()},
    )
