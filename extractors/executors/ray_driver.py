"""The driver of a Ray cluster, in a process of its own: what Ray's C++ prints or ends there never reaches the run.

It requests jobs from its parent as long as the cluster has room, submits each as a Ray task, and sends the outcomes. A
chunk whose worker or host was lost is submitted again, a bounded number of times.
"""

import os
import shutil
import signal
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from extractors.executors.base import EngineOptions, Outcome
from extractors.executors.device_process import REQUEST, STOP, STOP_TIMEOUT_S, picklable
from extractors.executors.ray_cluster import Demand, Nodes, connected, demand_of, nodes_of
from extractors.executors.ray_faults import unfit_host, why_lost
from extractors.executors.ray_task import THREADS, Attempt, extract_on_host
from extractors.extraction.job import ChunkJob
from extractors.extraction.watch import POLL_INTERVAL_S
from pipeline.errors import ExtractionError
from pipeline.running.stopping import SIGNALS

MAX_ATTEMPTS = 4
"""Of one chunk. A chunk that kills four workers would kill any number."""

NODES_INTERVAL_S = 2.0

PATIENCE_S = 90.0
"""Time without any host that could run a task; one may be on its way, or come back."""


@dataclass(frozen=True)
class Note:
    """Something to tell the user, in one line."""

    line: str


@dataclass(frozen=True)
class State:
    """What the cluster is doing."""

    oldest: int | None
    """Number of the chunk that was submitted first of those that are not done."""
    num_hosts: int
    """That take chunks."""

    def __str__(self) -> str:
        oldest = "to find a host" if self.oldest is None else f"chunk {self.oldest}"
        return f"{oldest} ({self.num_hosts} host{'s'[: self.num_hosts != 1]})"


def main(parent: Connection, engine: EngineOptions, folder: Path) -> None:
    """The main function of the process; `folder` is for logs, and for the files of a Ray that is started here."""
    _detach(folder / "driver.log")
    last: Exception | None = None
    try:
        with connected(engine, folder) as ray:
            Driver(ray, engine, parent).run()
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the parent has ended
    except Exception as error:
        last = picklable(error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # also where the parent is no more
    with suppress(OSError):
        parent.send(last)


def _detach(log: Path) -> None:
    """Leaves the parent's process group and its standard streams.

    Ray's processes inherit both. A signal to the group is the parent's to handle; one to this process alone has no
    effect, but is not blocked, since that too would be inherited, and Ray ends its processes by SIGTERM.
    """
    os.setsid()
    for number in SIGNALS:
        signal.signal(number, lambda number, frame: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(file, stream)
    os.close(file)


@dataclass
class _Chunk:
    """A chunk that is being done."""

    job: ChunkJob
    number_of_attempts: int = 0


class Driver:
    """Submits jobs, and sends what became of them."""

    def __init__(self, ray: Any, engine: EngineOptions, parent: Connection) -> None:
        self._ray = ray
        self._engine = engine
        self._parent = parent
        self._nodes = Nodes()
        self._nodes.update(nodes_of(ray))
        self._demand = demand_of(engine, self._nodes.all)
        self._task = self._remote(self._demand)
        self._submitted: dict[Any, _Chunk] = {}
        self._again: deque[_Chunk] = deque()
        self._has_more = True
        self._stop_s = float("inf")
        self._fatal: Exception | None = None
        self._looked_s = self._fitted_s = time.monotonic()

    def run(self) -> None:
        """Until all jobs are done, or those in hand after a stop; raises what lets nothing go on."""
        while (self._has_more or self._again or self._submitted) and time.monotonic() < self._stop_s:
            self._submit_while_room()
            self._listen()
            self._look()
            self._parent.send(self._state)
            if self._submitted:
                done, _ = self._ray.wait(list(self._submitted), timeout=POLL_INTERVAL_S)
                for ref in done:
                    self._finish(self._submitted.pop(ref), ref)
            else:
                time.sleep(0 if self._has_room else POLL_INTERVAL_S)
        if self._fatal:
            raise self._fatal

    def _remote(self, demand: Demand) -> Any:
        # max_calls: else each task with a GPU gets a new process, which loads the networks again.
        # max_retries: Ray would tell nobody; and of what a full memory kills it repeats any number.
        options = {"num_cpus": demand.num_cpus, "num_gpus": demand.num_gpus, "max_calls": 0, "max_retries": 0}
        memory = {"memory": demand.memory_bytes} if demand.memory_bytes else {}
        return self._ray.remote(**options, **memory)(extract_on_host)

    @property
    def _has_room(self) -> bool:
        slots = self._demand.slots(self._nodes.all)
        return slots > 0 and len(self._submitted) < (self._engine.in_flight or 2 * slots)

    @property
    def _state(self) -> State:
        oldest = next((chunk.job.number for chunk in self._submitted.values()), None)
        return State(oldest, sum(self._demand.slots([node]) > 0 for node in self._nodes.all))

    def _submit_while_room(self) -> None:
        while self._has_room and (self._again or self._has_more):
            if self._again:
                self._submit(self._again.popleft())
                continue
            self._parent.send(REQUEST)
            answer = self._parent.recv()
            if answer == STOP:
                self._stop()
            elif answer is None:
                self._has_more = False
            else:
                self._submit(_Chunk(answer))

    def _submit(self, chunk: _Chunk) -> None:
        chunk.number_of_attempts += 1
        attempt = Attempt(
            workers=max(1, int(self._demand.num_cpus)),
            on_gpu=self._demand.num_gpus > 0,
            is_again=chunk.number_of_attempts > 1,
            is_last=chunk.number_of_attempts >= MAX_ATTEMPTS,
            num_threads=os.environ.get(THREADS, ""),
        )
        self._submitted[self._task.remote(chunk.job, attempt)] = chunk

    def _listen(self) -> None:
        while self._parent.poll():
            if self._parent.recv() == STOP:
                self._stop()

    def _stop(self) -> None:
        """Ends the chunks in hand in order, and begins no more."""
        self._has_more = False
        self._again.clear()
        self._stop_s = min(self._stop_s, time.monotonic() + STOP_TIMEOUT_S)
        for ref in self._submitted:
            self._ray.cancel(ref, recursive=False)

    def _finish(self, chunk: _Chunk, ref: Any) -> None:
        """Sends the outcome of a chunk, or keeps the chunk to be done again."""
        from ray import exceptions

        try:
            result = self._ray.get(ref)
        except exceptions.TaskCancelledError:
            return
        except exceptions.RayTaskError as error:
            self._end_with(unfit_host(error))
        except exceptions.RayError as error:
            self._lost(chunk, error)
        else:
            if isinstance(result, Exception):
                self._end_with(result)
            else:
                self._parent.send(result)

    def _end_with(self, error: Exception) -> None:
        """Stops; the first such error is raised at the end."""
        self._fatal = self._fatal or error
        self._stop()

    def _lost(self, chunk: _Chunk, error: Exception) -> None:
        """The worker or the host of a chunk is gone."""
        number, why = chunk.job.number, why_lost(error, self._nodes.all)
        if self._stop_s < float("inf"):
            return
        if chunk.number_of_attempts >= MAX_ATTEMPTS:
            what = f"chunk {number}: {why}, {MAX_ATTEMPTS} times; what was published is kept: run the command again"
            self._parent.send(Outcome(number, {f"chunk {number}": ExtractionError(what)}, chunk.job.video_s))
            return
        self._again.append(chunk)
        self._parent.send(Note(f"Chunk {number}: {why}; it is done again"))

    def _look(self) -> None:
        """Tells of hosts that are lost; ExtractionError when no host could run a task for PATIENCE_S."""
        now_s = time.monotonic()
        if now_s - self._looked_s < NODES_INTERVAL_S:
            return
        self._looked_s = now_s
        for node in self._nodes.update(nodes_of(self._ray)):
            self._parent.send(Note(f"{node.name} is lost to the cluster; the other hosts go on"))
        if self._demand.slots(self._nodes.all):
            self._fitted_s = now_s
        elif now_s - self._fitted_s > PATIENCE_S:
            raise ExtractionError(
                f"no host of the Ray cluster has what a task asks for ({self._demand}); add a host, or ask for less in "
                f"[Engine]; what was published is kept"
            )
