"""Runs jobs in worker processes with a deadline for each, in order, a few ahead of the reader.

A job that hangs or kills its process costs that job only: the pool (pebble) replaces the worker.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import TimeoutError as FutureTimeoutError
from concurrent.futures import wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pebble import ProcessExpired, ProcessPool

from pipeline.errors import PipelineError
from pipeline.running.processes import DeafContext

MAX_NEW_POOLS = 2
"""For one job; workers that break more pools than this do not even start."""

LOOK_AGAIN_S = 1.0
"""How often a pool whose answer is awaited is looked at."""

Job = TypeVar("Job")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Failure:
    """Why a job has no result."""

    reason: str
    died: bool
    """The worker hung or crashed; a second try by other means may do better."""


@dataclass(frozen=True)
class Done(Generic[Job, Result]):
    """A job and its result, or its failure."""

    job: Job
    result: Result | None
    failure: Failure | None


def num_workers(setting: int) -> int:
    """How many worker processes: the setting, or one per core that this process may use when it is 0."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return setting or available


def run_jobs(
    function: Callable[[Job], Result],
    jobs: Iterable[Job],
    workers: int,
    deadline_s: float,
    again: Callable[[Job], Job | None] = lambda job: None,
) -> Iterator[Done[Job, Result]]:
    """Each job's result, in the order of the jobs; at most two jobs a worker are ahead of the reader.

    `again` turns a job whose worker hung or died into the job of a second try, or None. Errors in `function` other
    than PipelineError are faults of the program or the machine, and are raised.
    """
    pool: _Pool[Job, Result] = _Pool(function, workers, deadline_s)
    try:
        waiting: deque[tuple[Job, _Ticket]] = deque()
        source = iter(jobs)
        exhausted = False
        while waiting or not exhausted:
            while not exhausted and len(waiting) < 2 * workers:
                job = next(source, None)
                exhausted = job is None
                if job is not None:
                    waiting.append((job, pool.submit(job)))
            if waiting:
                job, ticket = waiting.popleft()
                done = pool.wait(job, ticket)
                second = again(job) if done.failure and done.failure.died else None
                yield done if second is None else pool.wait(second, pool.submit(second))
    finally:
        pool.stop()


class _Pool(Generic[Job, Result]):
    """Worker processes for one function.

    A pebble pool breaks as a whole when a worker dies while none is at work: the system short of memory, which ends
    the largest process and not the busiest. A new one then takes over.
    """

    def __init__(self, function: Callable[[Job], Result], workers: int, deadline_s: float) -> None:
        self._function = function
        self._workers = workers
        self._deadline_s = deadline_s
        self._pool = self._new()

    def submit(self, job: Job) -> "_Ticket":
        """The future of a job, and who owes it."""
        if not self._pool.active:
            self.stop()
            self._pool = self._new()
        return _Ticket(self._pool, self._pool.schedule(self._function, args=(job,), timeout=self._deadline_s))

    def wait(self, job: Job, ticket: "_Ticket") -> Done[Job, Result]:
        """What came of a job; BrokenProcessPool when workers do not even start."""
        for _ in range(MAX_NEW_POOLS):
            try:
                return self._result(job, ticket)
            except BrokenProcessPool:
                ticket = self.submit(job)
        return self._result(job, ticket)

    def stop(self) -> None:
        """Ends the workers, whatever they do."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()

    def _new(self) -> ProcessPool:
        return ProcessPool(max_workers=self._workers, context=DeafContext(), initializer=_quiet_worker)

    def _result(self, job: Job, ticket: "_Ticket") -> Done[Job, Result]:
        try:
            return Done(job, ticket.result(), None)
        except FutureTimeoutError:
            return Done(job, None, Failure(f"gave up after {self._deadline_s:g} s", died=True))
        except ProcessExpired as error:
            return Done(job, None, Failure(f"the decoder crashed (exit code {error.exitcode})", died=True))
        except PipelineError as error:
            return Done(job, None, Failure(str(error), died=False))


@dataclass(frozen=True)
class _Ticket:
    """A job that was given to a pool."""

    pool: ProcessPool
    future: Any

    def result(self) -> Any:
        """What came of it; BrokenProcessPool also where the pool broke and forgot it, for which nobody would tell."""
        while not wait([self.future], LOOK_AGAIN_S).done:
            # A job that reaches a pool of pebble 5.2 in the moment in which it breaks is never ended.
            if not self.pool.active and not self.future.done():
                raise BrokenProcessPool("the workers ended before the job began")
        return self.future.result()


def _quiet_worker() -> None:
    """One thread a worker, since the workers are the parallelism; Ctrl-C is the parent's to handle."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[variable] = "1"
    import cv2

    cv2.setNumThreads(1)
