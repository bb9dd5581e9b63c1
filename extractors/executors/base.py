"""What an executor of chunks is: it takes jobs and yields their outcomes. Each is a module of this room."""

import importlib
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from extractors.extraction.job import ChunkJob
from extractors.extraction.watch import Progress
from extractors.extraction.work import Wanted
from pipeline.errors import ConfigError

EXECUTORS = {
    "local": "extractors.executors.local",
    "claims": "extractors.executors.claims",
    "ray": "extractors.executors.ray",
}
"""Name -> module with a function `executor(EngineOptions, RunOptions) -> Executor`, imported when it is used."""


@dataclass(frozen=True)
class EngineOptions:
    """Section [Engine] of luigi.cfg; nothing in it changes a feature."""

    name: str = "local"
    address: str = ""
    """Of a Ray cluster: auto, or HOST:PORT; empty: one is started on this machine for the run."""
    num_gpus: float = -1.0
    """GPUs of one Ray task; a fraction where several share one; -1: one where the cluster has any, else none."""
    num_cpus: float = 1.0
    """Cores of one Ray task, for its decode workers and networks."""
    memory_gb: float = 0.0
    """Memory of one Ray task; 0: not said."""
    in_flight: int = 0
    """Chunks that are submitted to Ray and not done; 0: as many as fill the cluster."""
    expiry_s: float = 60.0
    """A claim that was not renewed for so long is taken over by another host."""
    tries: int = 5
    """A claimed chunk is left alone when so many processes ended while they extracted it."""

    def __post_init__(self) -> None:
        if not self.expiry_s > 0:
            raise ConfigError(f"[Engine] expiry_s = {self.expiry_s:g}: expected seconds above 0, e.g. 60")
        if self.tries < 1:
            raise ConfigError(f"[Engine] tries = {self.tries}: expected 1 or more")


@dataclass(frozen=True)
class RunOptions:
    """What an executor gets from the run that starts it."""

    devices: tuple[str, ...]
    """Of this host: cpu, or cuda:<n> for each GPU."""
    wanted: tuple[Wanted, ...]
    """What the run found to be lacking, with the experts as it has built them, and their stores."""
    progress: Progress = lambda done_s, stage: None
    """To be called with the seconds of video that are done, and what is waited for."""
    say: Callable[[str], None] = lambda line: None
    """To be called with a line for the user, e.g. that a host was lost."""


@dataclass(frozen=True)
class Outcome:
    """What became of one chunk."""

    number: int | None
    """Of the job; None: of none, e.g. where a process ended before it got one."""
    errors: Mapping[str, Exception] = field(default_factory=dict)
    """Expert (or device or host, if that is what failed) -> error; empty where all rows are there."""
    video_s: float = 0.0
    host: str = field(default_factory=platform.node)


class Executor(Protocol):
    """Runs jobs somewhere."""

    def outcomes(self, jobs: Iterable[ChunkJob], stop: Callable[[], bool]) -> Iterator[Outcome]:
        """The outcome of each job, in any order; once `stop` answers true, of those that were begun.

        Jobs are taken lazily, so that memory does not grow with their number. A job that fails is an outcome with an
        error, never an exception; an exception says that nothing can go on.
        """
        ...


def load_executor(engine: EngineOptions, run: RunOptions) -> Executor:
    """The executor that [Engine] names; ConfigError where there is none of that name."""
    if engine.name not in EXECUTORS:
        raise ConfigError(f"[Engine] name = {engine.name}: no such engine; there are {', '.join(EXECUTORS)}")
    executor: Executor = importlib.import_module(EXECUTORS[engine.name]).executor(engine, run)
    return executor
