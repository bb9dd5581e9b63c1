"""Time and memory on the device itself: what kernels and copies take, and the most that was allocated."""

import time
from collections.abc import Callable, Iterable
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
    return shares(profiler.events(), wall_us)


def shares(events: Iterable[Any], wall_us: float) -> dict[str, float]:
    """Of the wall time, by the profiler's events: what runs side by side counts once, and a copy beside a kernel not.

    The groups of a grouped convolution run side by side, for one.
    """
    spans: dict[str, list[tuple[float, float]]] = {"kernels": [], "copies": []}
    for event in events:
        if event.device_type.name != "CPU":
            spans["copies" if is_copy(event) else "kernels"].append((event.time_range.start, event.time_range.end))
    kernels, all_us = covered(spans["kernels"]), covered(spans["kernels"] + spans["copies"])
    return {"kernels": round(kernels / wall_us, 3), "copies": round((all_us - kernels) / wall_us, 3)}


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """The length of time in which at least one of the spans (start, end) lies."""
    length, last = 0.0, float("-inf")
    for start, end in sorted(spans):
        length += max(0.0, end - max(start, last))
        last = max(last, end)
    return length


def is_copy(event: Any) -> bool:
    """Whether an event of the profiler moves data, and computes nothing."""
    return str(event.name).startswith(("Memcpy", "Memset"))
