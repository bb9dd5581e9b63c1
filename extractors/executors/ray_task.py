"""What runs on a host of a Ray cluster: one chunk, in a worker process that Ray keeps for the next ones."""

import dataclasses
import os
import platform
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from extractors.executors.base import Outcome
from extractors.executors.device_process import picklable
from extractors.extraction.job import ChunkJob, extract_chunk, without
from pipeline.datasets.stamps import stamp_of
from pipeline.errors import ConfigError, PipelineError
from pipeline.running.cpu import prepare_for_networks
from pipeline.stores import places, recipes, store

THREADS = "OMP_NUM_THREADS"

POISONED = 86
"""Exit code of a worker whose CUDA context is of no more use."""


@dataclass(frozen=True)
class Attempt:
    """How a chunk is to be done this time."""

    workers: int
    """Decode workers."""
    on_gpu: bool
    """Whether Ray has given the task a GPU."""
    is_again: bool
    """Whether the chunk was given out before, and may be done in part."""
    is_last: bool
    """Whether an error is to be reported where another process could do better."""
    num_threads: str | None = None
    """OMP_NUM_THREADS of the process that the user has started, empty where it is not set; None: leave it as it is.

    Ray sets it to the cores of the task, and what a network computes on a CPU depends, in its last digits, on how many
    threads it has: a local run on this host would give other bits.
    """


def extract_on_host(job: ChunkJob, attempt: Attempt) -> Outcome | Exception:
    """The outcome of a chunk; the error where this host must not or cannot do any chunk of the run.

    The process exits where its CUDA context is broken, which no later chunk could use either; Ray starts a new one.
    """
    _prepare(attempt.num_threads)
    device = "cuda:0" if attempt.on_gpu else "cpu"
    if _is_poisoned(device):
        os._exit(POISONED)
    own = dataclasses.replace(job, options=dataclasses.replace(job.options, device=device, workers=attempt.workers))
    try:
        refuse_other_folders(job)
        left = _left_of(own) if attempt.is_again else own
        with cancellable() as is_cancelled:
            errors = extract_chunk(left, stop=is_cancelled) if left else {}
    except PipelineError as error:
        return picklable(error)
    except Exception as error:
        errors = {platform.node(): error}
    if errors and not attempt.is_last and _is_poisoned(device):
        os._exit(POISONED)
    return Outcome(job.number, {name: picklable(error) for name, error in errors.items()}, job.video_s)


def _left_of(job: ChunkJob) -> ChunkJob | None:
    """The job without what was published before its process or host was lost; None where that is all."""
    there = {}
    for name, folder in job.stores.items():
        places.place_of(folder).refresh()
        there[name] = store.rows(folder).keys()
    return without(job, lambda name, key: key in there[name])


def refuse_other_folders(job: ChunkJob) -> None:
    """ConfigError where this host does not see the stores or the videos of the run.

    It would write the features where nobody finds them, or record the videos as unreadable. A single video that is gone
    is that video's fault.
    """
    advice = f"mount the shared folder on {platform.node()} at the same path as where the run was started"
    for folder in job.stores.values():
        if recipes.read_recipe(folder) is None:
            raise ConfigError(f"{platform.node()} does not see {folder}, which the run fills: {advice}")
    videos = [path for path, video, _ in job.videos if not video.problem]
    if (
        videos
        and not any(stamp_of(path)[0] >= 0 for path in videos)
        and (len(videos) > 1 or not videos[0].parent.is_dir())
    ):
        raise ConfigError(f"{platform.node()} does not see {videos[0]}, nor any other video of its chunk: {advice}")


@contextmanager
def cancellable() -> Iterator[Callable[[], bool]]:
    """Context in which ray.cancel raises nothing; yields the question whether it was called.

    Ray interrupts the main thread of the worker, as a SIGINT does.
    """
    cancelled = threading.Event()

    def receive(number: int, frame: FrameType | None) -> None:
        cancelled.set()

    before = signal.signal(signal.SIGINT, receive)
    try:
        yield cancelled.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def _prepare(num_threads: str | None) -> None:
    """Prepares the process for its first chunk; without effect on later ones, since torch reads the number once."""
    prepare_for_networks()
    if num_threads:
        os.environ[THREADS] = num_threads
    elif num_threads is not None:
        os.environ.pop(THREADS, None)
    # multiprocessing would run Ray's script, and so import Ray, in each decode worker.
    vars(sys.modules["__main__"]).pop("__file__", None)


def _is_poisoned(device: str) -> bool:
    """Whether CUDA refuses everything since an earlier fault in this process."""
    if device == "cpu" or "torch" not in sys.modules:
        return False
    import torch

    try:
        torch.cuda.synchronize()
    except RuntimeError:
        return True
    return False
