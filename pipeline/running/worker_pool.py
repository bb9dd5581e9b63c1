"""Runs jobs in worker processes, each with a deadline, and yields their results in order.

A job that hangs or crashes its process costs that job only: the pool (pebble) replaces the worker. Only a few jobs are
submitted ahead of the consumer, so memory stays bounded.
"""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, wait
from concurrent.futures import TimeoutError as FutureTimeoutError
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pebble import ProcessExpired, ProcessPool

from pipeline.errors import OutageError, PipelineError
from pipeline.running.processes import UnsignalledContext, end_with_parent
from pipeline.running.shared_results import Mailbox, call

MAX_NEW_POOLS = 2
"""New pools that are tried for one job; when more break, the workers do not even start."""

POLL_INTERVAL_S = 0.25
"""How often a pool is checked while its result is awaited."""

Job = TypeVar("Job")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Failure:
    """The reason why a job has no result."""

    reason: str
    died: bool
    """Whether the worker hung or crashed, so that a retry by other means may succeed."""


@dataclass(frozen=True)
class Done(Generic[Job, Result]):
    """A job and its result, or its failure."""

    job: Job
    result: Result | None
    failure: Failure | None


def num_workers(setting: int) -> int:
    """The number of worker processes: the setting, or when it is 0 one per core that this process may use."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return setting or available


def run_jobs(
    function: Callable[[Job], Result],
    jobs: Iterable[Job],
    workers: "int | KeptWorkers",
    deadline_s: float,
    again: Callable[[Job], Job | None] = lambda job: None,
    idle: Callable[[], None] = lambda: None,
) -> Generator[Done[Job, Result]]:
    """Yields each job's result in the order of the jobs; at most two jobs per worker are submitted ahead.

    `again` turns a job whose worker hung or crashed into the job of a retry, or None for no retry. A PipelineError in
    `function` becomes the job's Failure; an OutageError and any other exception is a fault of the program, the machine
    or the network, and is raised.
    `idle` is called every POLL_INTERVAL_S while a result is awaited; what it raises ends the workers, and is raised.
    Jobs with a true attribute `in_order` are done one after another by one worker, beside the others, which may keep
    open what the next one goes on with. `workers`: their number; they end with the last job, unless they are kept.
    """
    own = workers if isinstance(workers, KeptWorkers) else KeptWorkers(workers)
    pools, work = own.pools(), _Work(function, deadline_s)
    waiting: deque[tuple[Job, _Ticket]] = deque()
    remaining = iter(jobs)
    exhausted = False
    try:
        while waiting or not exhausted:
            while not exhausted and len(waiting) < 2 * own.number:
                job = next(remaining, None)
                exhausted = job is None
                if job is not None:
                    waiting.append((job, pools.of(job).submit(work, job)))
            if waiting:
                job, ticket = waiting.popleft()
                done = pools.of(job).wait(work, job, ticket, idle)
                retry = again(job) if done.failure and done.failure.died else None
                yield done if retry is None else pools.done(work, retry, idle)
    except BaseException:
        own.stop()  # some of them may be in the middle of a job
        raise
    if own is not workers:
        own.stop()


@dataclass(frozen=True)
class _Work(Generic[Job, Result]):
    """What a call of `run_jobs` does with each of its jobs."""

    function: Callable[[Job], Result]
    deadline_s: float


class KeptWorkers:
    """So many worker processes, which outlive a call of `run_jobs`, for the next one; they start with the first job."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._pools: _Pools | None = None

    @property
    def have_begun(self) -> bool:
        """Whether they were given to a call of `run_jobs`, and have not ended since."""
        return self._pools is not None

    def pools(self) -> "_Pools":
        """Those of the last call, or new ones."""
        self._pools = self._pools or _Pools(self.number)
        return self._pools

    def stop(self) -> None:
        """Ends the workers, also in the middle of a job."""
        if self._pools is not None:
            self._pools.stop()
            self._pools = None


class _Pools:
    """A pool for jobs in any order, and from the first job that must be `in_order` on, one with a single worker."""

    def __init__(self, workers: int) -> None:
        self._any_order = _Pool(workers)
        self._in_order: _Pool | None = None

    def of(self, job: object) -> "_Pool":
        """The pool that does this job."""
        if not getattr(job, "in_order", False):
            return self._any_order
        self._in_order = self._in_order or _Pool(1)
        return self._in_order

    def done(self, work: _Work[Job, Result], job: Job, idle: Callable[[], None]) -> Done[Job, Result]:
        """A job at once; see `_Pool.wait`."""
        pool = self.of(job)
        return pool.wait(work, job, pool.submit(work, job), idle)

    def stop(self) -> None:
        """Ends the workers, also in the middle of a job."""
        self._any_order.stop()
        if self._in_order:
            self._in_order.stop()


class _Pool:
    """A pool of worker processes, replaced when it breaks.

    A pebble pool breaks as a whole when an idle worker dies, e.g. when the out-of-memory killer takes the largest
    process. A new pool then takes over.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool = self._new()

    def submit(self, work: _Work[Job, Any], job: Job) -> "_Ticket":
        """Submits a job to the current pool, or to a new one when that is broken."""
        if not self._pool.active:
            self.stop()
            self._pool = self._new()
        mailbox = Mailbox()
        future = self._pool.schedule(call, args=(work.function, job, mailbox.address), timeout=work.deadline_s)
        return _Ticket(self._pool, future, mailbox)

    def wait(
        self, work: _Work[Job, Result], job: Job, ticket: "_Ticket", idle: Callable[[], None]
    ) -> Done[Job, Result]:
        """Waits for a job's result or failure; BrokenProcessPool when the workers do not even start."""
        for _ in range(MAX_NEW_POOLS):
            try:
                return _result(work, job, ticket, idle)
            except BrokenProcessPool:
                ticket = self.submit(work, job)
        return _result(work, job, ticket, idle)

    def stop(self) -> None:
        """Ends the workers, also in the middle of a job."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()

    def _new(self) -> ProcessPool:
        return ProcessPool(max_workers=self._workers, context=UnsignalledContext(), initializer=_initialize_worker)


def _result(work: _Work[Job, Result], job: Job, ticket: "_Ticket", idle: Callable[[], None]) -> Done[Job, Result]:
    try:
        return Done(job, ticket.result(idle), None)
    except FutureTimeoutError:
        return Done(job, None, Failure(f"gave up after {work.deadline_s:g} s", died=True))
    except ProcessExpired as error:
        return Done(job, None, Failure(f"the decoder crashed (exit code {error.exitcode})", died=True))
    except OutageError:
        raise  # it would meet every other job too
    except PipelineError as error:
        return Done(job, None, Failure(str(error), died=False))


@dataclass(frozen=True)
class _Ticket:
    """A submitted job: its pool, its future, and where the large arrays of its result will lie."""

    pool: ProcessPool
    future: Future[Any]
    mailbox: Mailbox

    def result(self, idle: Callable[[], None]) -> Any:
        """The result of the job; BrokenProcessPool also when the pool broke without completing the future."""
        while not wait([self.future], POLL_INTERVAL_S).done:
            idle()
            # pebble 5.2 never completes a future that is scheduled in the moment in which its pool breaks.
            if not self.pool.active and not self.future.done():
                raise BrokenProcessPool("the workers ended before the job began")
        try:
            return self.mailbox.taken(self.future.result())
        finally:
            self.mailbox.close()


def _initialize_worker() -> None:
    """Initializer of a worker: one thread per library, since the workers are the parallelism."""
    end_with_parent()
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
    os.environ["OPENCV_FOR_THREADS_NUM"] = "1"  # read like the others at its import, which sound does not need
