"""The stills of a page's videos, taken by worker processes: a file that hangs or kills its decoder costs its still."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.running.worker_pool import run_jobs
from search.pages.posters import poster

WIDTH_PX = 320
DEADLINE_S = 20.0
"""For one still."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Still:
    """A picture to be taken."""

    video: Path
    at_s: float
    to: Path


def take(stills: Sequence[Still], workers: int, progress: Progress = lambda *_: None) -> Mapping[Path, str]:
    """Takes those that are not there yet. Video -> why it has none, of those that gave none."""
    missing = [still for still in stills if not still.to.is_file()]
    if not missing:
        return {}
    failed = {}
    for number, done in enumerate(run_jobs(_take, missing, min(workers, len(missing)), DEADLINE_S), 1):
        if done.failure:
            failed[done.job.video] = done.failure.reason
        progress(number, len(missing))
    return failed


def _take(still: Still) -> None:
    picture = poster(still.video, still.at_s, WIDTH_PX)
    still.to.parent.mkdir(parents=True, exist_ok=True)
    partial = still.to.with_suffix(f".{os.getpid()}.partial")
    partial.write_bytes(picture)
    partial.replace(still.to)
