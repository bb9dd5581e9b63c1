"""Takes the stills of the rankings page in worker processes.

A video that hangs or crashes its decoder only loses its own still.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.running.worker_pool import run_jobs
from search.pages.posters import Telling

WIDTH_PX = 320
DEADLINE_S = 20.0
"""Timeout for one still."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Still:
    """A still to be taken: the most telling picture around a second."""

    video: Path
    at_s: float
    output: Path
    """The JPEG to write."""


def take(stills: Sequence[Still], workers: int, progress: Progress = lambda *_: None) -> Mapping[Path, str]:
    """Takes the stills whose file is missing; returns video -> reason for those that failed."""
    missing = [still for still in stills if not still.output.is_file()]
    if not missing:
        return {}
    failed = {}
    for number, done in enumerate(run_jobs(_take, missing, min(workers, len(missing)), DEADLINE_S), 1):
        if done.failure:
            failed[done.job.video] = done.failure.reason
        progress(number, len(missing))
    return failed


def _take(still: Still) -> None:
    picture = Telling(still.video, still.at_s, WIDTH_PX)()
    still.output.parent.mkdir(parents=True, exist_ok=True)
    partial = still.output.with_suffix(f".{os.getpid()}.partial")
    partial.write_bytes(picture)
    partial.replace(still.output)
