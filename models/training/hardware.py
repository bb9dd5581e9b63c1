"""Chooses the device, the data type of matrix products, and the number of CPU threads."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import torch

from models.config import Runtime, Training
from pipeline.errors import ConfigError
from pipeline.running.tf32 import tf32

_DTYPES = {"fp32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Hardware:
    """A device, and the data type of its matrix products: float32, bfloat16 or float16."""

    device: torch.device
    dtype: torch.dtype
    allow_tf32: bool = False
    """Whether a GPU may compute float32 products in TF32."""

    def autocast(self) -> AbstractContextManager[object]:
        """The context in which matrix products are of `dtype`."""
        if self.dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, self.dtype)

    def float32_products(self) -> AbstractContextManager[object]:
        """The context in which float32 products are as precise as the settings say; for the backward pass too."""
        return tf32(self.allow_tf32) if self.device.type == "cuda" else nullcontext()

    def scaler(self) -> torch.amp.GradScaler:
        """A gradient scaler, which keeps gradients from vanishing in float16; disabled for the other types."""
        return torch.amp.GradScaler(self.device.type, enabled=self.dtype == torch.float16)


@contextmanager
def threads(runtime: Runtime) -> Iterator[None]:
    """The context in which PyTorch uses `runtime.threads` CPU threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(runtime.threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def choose(runtime: Runtime, training: Training | None = None) -> Hardware:
    """The device and data type (without `training`: float32) asked for; ConfigError when there is no such GPU."""
    has_gpu = torch.cuda.is_available()
    device = torch.device(runtime.device if runtime.device != "auto" else "cuda" if has_gpu else "cpu")
    if device.type == "cuda" and (not has_gpu or (device.index or 0) >= torch.cuda.device_count()):
        raise ConfigError(f"runtime.device: {runtime.device}, but PyTorch sees no such GPU here; set auto or cpu")
    precision = training.precision if training else "fp32"
    if precision in {"tf32", "fp16"} and device.type == "cpu":
        raise ConfigError(f"training.precision: {precision} needs a GPU, and there is none; set bf16 or fp32")
    return Hardware(device, _DTYPES[precision], precision == "tf32")
