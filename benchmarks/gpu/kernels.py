"""Time and memory on the device itself: what kernels and copies take, and the most that was allocated."""

import time
from collections.abc import Callable
from typing import Any

MEGABYTE = 1e6


def synchronise(device: str) -> None:
    """Waits for what the device was given to do."""
    if device != "cpu":
        import torch

        torch.cuda.synchronize(device)


def forget_peak(device: str) -> None:
    """From now on `peak_mb` tells of what comes."""
    if device != "cpu":
        import torch

        torch.cuda.init()  # without it there are no figures that could be forgotten, and asking for that is an error
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def peak_mb(device: str) -> float | None:
    """The most that PyTorch had allocated on a GPU; None on a CPU."""
    if device == "cpu":
        return None
    import torch

    return float(round(torch.cuda.max_memory_allocated(device) / MEGABYTE))


def timed(work: Callable[[], object], least_s: float, device: str) -> tuple[int, float]:
    """(times, seconds): `work` again and again until `least_s` are over."""
    times, began = 0, time.perf_counter()
    while not times or time.perf_counter() - began < least_s:
        work()
        times += 1
    synchronise(device)
    return times, time.perf_counter() - began


def in_kernels(work: Callable[[], object], device: str) -> dict[str, float] | None:
    """Shares of the time of one call in which the GPU computes and copies (torch.profiler); None on a CPU.

    One call, since each kernel is an event that is kept in memory.
    """
    if device == "cpu":
        return None
    from torch.profiler import ProfilerActivity, profile

    synchronise(device)
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        began = time.perf_counter()
        work()
        synchronise(device)
        wall_us = 1e6 * (time.perf_counter() - began)
    spent_us = {"kernels": 0.0, "copies": 0.0}
    for event in profiler.key_averages():
        spent_us["copies" if is_copy(event) else "kernels"] += event.self_device_time_total
    return {name: round(us / wall_us, 3) for name, us in spent_us.items()}


def is_copy(event: Any) -> bool:
    """Whether an event of the profiler moves data, and computes nothing."""
    return str(event.key).startswith(("Memcpy", "Memset"))
