"""Runs one measurement of benchmarks/extraction.py in its own process: reads a case as JSON, prints figures as JSON.

`pass`: the whole extraction as in `ExtractExpert`, with decode workers, into a temporary store.
`networks`: the networks alone, on prepared inputs.
Networks are loaded, and have processed one batch, before the clock starts.
"""

import functools
import json
import os
import re
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from extractors import registry
from extractors.extraction.batches import Batches
from extractors.extraction.one_pass import PassOptions, Wanted, extract
from extractors.extraction.segments import Segment, num_segments
from extractors.extraction.views import prepare_segment
from extractors.networks.device import resolve, share_cores
from extractors.registry import NamedExpert
from pipeline.datasets.manifest import Video
from pipeline.media.video import probe
from pipeline.running.cpu import freed_memory_kept, prepare_for_networks
from pipeline.weights.files import WeightOptions

DEADLINE_S = 600.0
VIDEOS_PER_PART = 64

SUMS, PEAKS = ("items", "wall_s", "main_cpu_s"), ("main_mb",)
"""Figures of several experts, run one after another, that add up, and those of which the largest counts."""


def main() -> None:
    """Prints one line of JSON."""
    prepare_for_networks()
    case = json.loads(sys.argv[1])
    files = [Path(path) for path in case["videos"]]
    options = WeightOptions(cache=Path(case["weights"]), seeded=case["seeded"])
    experts = [registry.expert(name, Path(case["experts_folder"]), options) for name in case["experts"]]
    device = resolve(case["device"])
    measure = {"pass": measure_pass, "networks": measure_networks}[case["kind"]]
    print(json.dumps(measure(experts, files, device, case["workers"])))


def measure_pass(experts: list[NamedExpert], files: list[Path], device: str, workers: int) -> dict[str, float]:
    """Wall and CPU time of one pass, peak memory of the process and of its largest decode worker."""
    videos = [(path, video_of(path)) for path in files]
    load_all(experts, videos[:1], device)
    options = PassOptions(share_cores(workers, device), DEADLINE_S, VIDEOS_PER_PART, device)
    with tempfile.TemporaryDirectory() as folder, Clock() as clock:
        errors = extract(wanted(experts, videos, Path(folder)), videos, options)
    if errors:
        raise SystemExit(str(errors))
    return clock.figures


def measure_networks(experts: list[NamedExpert], files: list[Path], device: str, workers: int) -> dict[str, float]:
    """Time and memory of the networks alone, one expert after another, on all cores, without decode workers."""
    per_expert: list[dict[str, float]] = []
    for expert in experts:
        items = [data for path in files for data in items_of(expert, path)]
        size = expert.config.runtime.batch_size
        shapes = {data.shape for data in items}
        same_shape = [[data for data in items if data.shape == shape] for shape in shapes]
        batches = [np.stack(group[at : at + size]) for group in same_shape for at in range(0, len(group), size)]
        networks = Batches(expert, device)
        networks.load()
        if batches:
            with freed_memory_kept():
                networks.embed(batches[0])
        with freed_memory_kept(), Clock() as clock:
            for batch in batches:
                networks.embed(batch)
        per_expert.append(clock.figures | {"items": len(items)})
    return {name: (max if name in PEAKS else sum)(figures[name] for figures in per_expert) for name in SUMS + PEAKS}


def load_all(experts: list[NamedExpert], videos: list[tuple[Path, Video]], device: str) -> None:
    """Loads the networks in a first pass over one video, and caches them for the next one; raises an expert's error."""
    for expert in experts:
        load_once(expert)
    options = PassOptions(1, DEADLINE_S, VIDEOS_PER_PART, device)
    with tempfile.TemporaryDirectory() as folder:
        errors = extract(wanted(experts, videos, Path(folder)), videos, options)
    for error in errors.values():
        raise error


def load_once(expert: NamedExpert) -> None:
    """Lets its networks stay loaded, whatever asks for them."""
    for name in ("load", "load_without_torch"):
        setattr(expert.extractor, name, functools.cache(getattr(expert.extractor, name)))


class Clock:
    """Context that measures wall and CPU seconds, of this process and its children, and peak memory."""

    def __init__(self) -> None:
        self.figures: dict[str, float] = {}
        self._memory = WorkerMemory()

    def __enter__(self) -> "Clock":
        self._memory.start()
        self._before = time.perf_counter(), _cpu_s(resource.RUSAGE_SELF), _cpu_s(resource.RUSAGE_CHILDREN)
        return self

    def __exit__(self, *error: object) -> None:
        wall_s = time.perf_counter() - self._before[0]
        self.figures = {
            "wall_s": wall_s,
            "main_cpu_s": _cpu_s(resource.RUSAGE_SELF) - self._before[1],
            "workers_cpu_s": _cpu_s(resource.RUSAGE_CHILDREN) - self._before[2],
            "main_mb": self._memory.peak_mb(os.getpid()),
            "worker_mb": self._memory.stop(),
        }


class WorkerMemory(threading.Thread):
    """Polls the peak memory of the child processes (Linux); getrusage reports the parent's peak for a forked child."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._stopped = threading.Event()
        self._worker_mb = 0.0

    def run(self) -> None:
        """Polls until `stop`."""
        while not self._stopped.wait(0.1):
            for thread in Path("/proc/self/task").glob("*/children"):
                with suppress(OSError):  # the thread has ended in the meantime
                    children = thread.read_text(encoding="utf-8").split()
                    workers = (self.peak_mb(int(child)) for child in children if _has_begun(child))
                    self._worker_mb = max([self._worker_mb, *workers])

    def stop(self) -> float:
        """Stops polling; returns the peak memory of the largest child in MB."""
        self._stopped.set()
        self.join()
        return self._worker_mb

    @staticmethod
    def peak_mb(process: int) -> float:
        """The peak memory of a process; 0 when it has ended in the meantime."""
        try:
            status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
        except OSError:
            return 0.0
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found[1]) / 1024 if found else 0.0


def _has_begun(child: str) -> bool:
    """Whether a child runs its own program; between fork and exec its memory is that of this process."""
    try:
        return Path(f"/proc/{child}/cmdline").read_bytes() != Path("/proc/self/cmdline").read_bytes()
    except OSError:  # it has ended in the meantime
        return False


def _cpu_s(whose: int) -> float:
    usage = resource.getrusage(whose)
    return usage.ru_utime + usage.ru_stime


def video_of(path: Path) -> Video:
    info = probe(path)
    return Video(
        path.name, path.name, "", (), info.duration_s, info.has_video, info.has_audio, info.has_subtitles, info.note
    )


def wanted(experts: list[NamedExpert], videos: list[tuple[Path, Video]], folder: Path) -> list[Wanted]:
    keys = frozenset(video.content for _, video in videos)
    return [Wanted(expert, folder / expert.name, keys) for expert in experts]


def items_of(expert: NamedExpert, path: Path) -> Iterable[Any]:
    for index in range(num_segments(probe(path).duration_s)):
        yield from prepare_segment(Segment(path, path.name, index, (expert.id,)))[expert.name].items
