"""Cores, memory and limits of this process, as far as the system tells them."""

import os
import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pipeline.doctor.findings import Finding

LEAST_MEMORY = 3e9
"""Bytes below which the decoders and a network of an image side by side may not fit."""
LEAST_FILES = 1024
"""Open files: each decode worker needs some dozens, and a training maps the parts of all stores."""
LEAST_SHARED = 256e6
"""Bytes of /dev/shm; 64 MB, as Docker gives by default, is too little for batches between processes."""
UNLIMITED = 1 << 60


def machine() -> Iterator[Finding]:
    """Findings on cores, memory, shared memory and open files."""
    yield Finding("cores", "ok", f"{cores():g} of {os.cpu_count()} for this process")
    free, total = memory()
    told = f"{free / 1e9:.1f} of {total / 1e9:.1f} GB are free for this process" if total else "not told by the system"
    if total and free < LEAST_MEMORY:
        yield Finding("memory", "note", told, "end other programs, or set [Extraction] workers = 1 in luigi.cfg")
    else:
        yield Finding("memory", "ok", told)
    yield from _shared_memory()
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = soft != resource.RLIM_INFINITY and soft < LEAST_FILES
    told = "no limit" if soft == resource.RLIM_INFINITY else f"up to {soft}"
    yield Finding("open files", "note" if few else "ok", told, f"ulimit -n {LEAST_FILES}" if few else "")


def cores() -> float:
    """Cores that this process may use: of its affinity and its control group."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, _, period = _first_line("/sys/fs/cgroup/cpu.max").partition(" ")
    return min(affinity, int(quota) / int(period)) if quota.isdigit() and period.isdigit() else affinity


def memory() -> tuple[float, float]:
    """(free, total) bytes for this process: of the machine, or of its control group if that has less; 0 if unknown."""
    told = {}
    with suppress(OSError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            name, _, size = line.partition(":")
            told[name] = int(size.split()[0]) * 1024
    free, total = told.get("MemAvailable", 0), told.get("MemTotal", 0)
    limit, used = _first_line("/sys/fs/cgroup/memory.max"), _first_line("/sys/fs/cgroup/memory.current")
    if not limit:  # the older kind of control groups
        limit = _first_line("/sys/fs/cgroup/memory/memory.limit_in_bytes")
        used = _first_line("/sys/fs/cgroup/memory/memory.usage_in_bytes")
    if limit.isdigit() and used.isdigit() and int(limit) < min(total or UNLIMITED, UNLIMITED):
        return min(free, int(limit) - int(used)), int(limit)
    return free, total


def _shared_memory() -> Iterator[Finding]:
    try:
        told = os.statvfs("/dev/shm")  # noqa: S108 - only looked at
    except OSError:
        return
    size = told.f_blocks * told.f_frsize
    if 0 < size < LEAST_SHARED:
        advice = "give the container more: docker run --shm-size 1g, or --ipc host"
        yield Finding("shared memory", "note", f"{size / 1e6:.0f} MB", advice)
    else:
        yield Finding("shared memory", "ok", f"{size / 1e9:.1f} GB")


def _first_line(path: str) -> str:
    with suppress(OSError):
        return Path(path).read_text(encoding="ascii").partition("\n")[0].strip()
    return ""
