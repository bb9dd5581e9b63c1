"""Which device the networks run on, and how the cores are shared when it is the CPU."""

from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.engine import num_workers
from pipeline.errors import ConfigError


def resolve(setting: str) -> str:
    """ "cpu" or "cuda:<n>" for the setting auto, cpu, cuda or cuda:<n>; ConfigError for a device that is not there."""
    if setting == "cpu":
        return setting
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


def share_cores(workers: int, device: str) -> int:
    """How many decode workers: the setting, or when it is 0 one per core, or half of them if networks need the rest."""
    if workers or device != "cpu":
        return num_workers(workers)
    return max(1, num_workers(0) // 2)


@contextmanager
def few_threads(workers: int) -> Iterator[None]:
    """Leaves the decode workers' cores to them: threads that wait for each other on busy cores cost far more."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(max(1, num_workers(0) - workers))
    try:
        yield
    finally:
        torch.set_num_threads(before)
