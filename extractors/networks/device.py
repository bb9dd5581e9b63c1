"""Resolves the device setting, and shares the CPU cores between decode workers and networks."""

import ctypes
import sys
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.running.worker_pool import num_workers


def resolve(setting: str) -> str:
    """ "cpu" or "cuda:<n>" for the setting auto, cpu, cuda or cuda:<n>; ConfigError for a device that is not there."""
    if setting == "cpu" or (setting == "auto" and not _may_have_gpu()):
        return "cpu"
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if setting == "auto":
        return "cuda:0" if count else "cpu"
    kind, _, number = setting.partition(":")
    if kind != "cuda" or not (number or "0").isdecimal():
        raise ConfigError(f"device {setting!r}: expected auto, cpu, cuda or cuda:<n>")
    if int(number or 0) >= count:
        raise ConfigError(f"device {setting!r}: there are {count} GPUs here; use auto or cpu")
    return f"cuda:{int(number or 0)}"


def resolve_all(setting: str) -> tuple[str, ...]:
    """The devices of a comma-separated setting, each as by `resolve`; auto is all GPUs, or the CPU without one."""
    first, *more = (resolve(name.strip()) for name in setting.split(","))
    if setting != "auto" or first == "cpu":
        return first, *more
    import torch

    return tuple(f"cuda:{number}" for number in range(torch.cuda.device_count()))


def _may_have_gpu() -> bool:
    """Whether the driver of a GPU may be there, which torch then says; its import takes longer than a small network."""
    if "torch" in sys.modules or sys.platform != "linux":
        return True
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return any(Path(driver).exists() for driver in ("/dev/kfd", "/dev/dxg"))  # AMD's, and that of Windows
    return True


def share_cores(workers: int, device: str) -> int:
    """Number of decode workers: the setting; if that is 0, one per core, or half of them if networks run on the CPU.

    At least two where there are two cores: the networks wait for decoded items, so no core idles.
    """
    cores = num_workers(0)
    if workers or device != "cpu":
        return num_workers(workers)
    return min(cores, max(2, cores // 2))
