"""Runs chunks on a Ray cluster: each as one Ray task, with paths in and errors out.

The driver of the cluster is a process of its own (`ray_driver`), which this one gives jobs and ends.
"""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from extractors.executors import ray_driver
from extractors.executors.base import EngineOptions, Outcome, RunOptions
from extractors.executors.device_process import REQUEST, STOP, STOP_TIMEOUT_S
from extractors.executors.ray_cluster import check_address
from extractors.executors.ray_driver import Note, State
from extractors.extraction.job import ChunkJob
from extractors.extraction.watch import POLL_INTERVAL_S
from pipeline.errors import ExtractionError
from pipeline.running.processes import UnsignalledContext

CONNECT_S = {True: 360.0, False: 90.0}
"""Time until a Ray that is started here, or a cluster that runs, has answered."""

TEMPORARY = "/tmp"  # noqa: S108 - in a folder of its own, which only this user may read
"""Where Ray keeps logs and sockets: the path of a socket has at most 107 bytes, and Ray's part of it has 70."""

END_S = 10.0
"""Time for the driver to end a Ray that it has started."""


class RayExecutor:
    """Runs all jobs on a Ray cluster, or on a Ray that it starts on this machine and ends with them."""

    def __init__(self, engine: EngineOptions, run: RunOptions) -> None:
        self._engine = engine
        self._run = run

    def outcomes(self, jobs: Iterable[ChunkJob], stop: Callable[[], bool]) -> Iterator[Outcome]:
        """As an Executor. Once `stop` answers true, the tasks publish what is whole, within STOP_TIMEOUT_S."""
        check_address(self._engine.address)
        remaining, done_s = iter(jobs), 0.0
        self._run.progress(0.0, "the connection to Ray" if self._engine.address else "the start of Ray")
        driver = _DriverProcess(self._engine)
        try:
            for message in driver.messages(stop):
                if message == REQUEST:
                    driver.send(next(remaining, None))
                elif isinstance(message, Note):
                    self._run.say(message.line)
                elif isinstance(message, State):
                    self._run.progress(done_s, str(message))
                elif isinstance(message, Outcome):
                    done_s += message.video_s
                    yield message
                elif isinstance(message, Exception):
                    raise message
        finally:
            driver.end()


def executor(engine: EngineOptions, run: RunOptions) -> RayExecutor:
    """The executor of this module."""
    return RayExecutor(engine, run)


class _DriverProcess:
    """The process with Ray's driver."""

    def __init__(self, engine: EngineOptions) -> None:
        self._engine = engine
        self._folder = Path(tempfile.mkdtemp(prefix="ray-", dir=TEMPORARY))
        context = UnsignalledContext()
        self._connection, child_end = context.Pipe()
        self._process = context.Process(
            target=ray_driver.main, args=(child_end, engine, self._folder), name="Ray's driver"
        )
        self._is_connected = False
        self._process.start()
        child_end.close()

    def messages(self, stop: Callable[[], bool]) -> Iterator[Any]:
        """What the process sends until its last message; it is told once that it shall stop.

        ExtractionError where it does not get a connection, or was lost. Before it is connected it is not waited for
        when the run shall stop.
        """
        connect_s = CONNECT_S[not self._engine.address]
        until_s, is_told = time.monotonic() + connect_s, False
        while (self._is_connected and not is_told) or time.monotonic() < until_s:
            if stop() and not is_told:
                is_told, until_s = True, time.monotonic() + (STOP_TIMEOUT_S + END_S if self._is_connected else 0)
                self.send(STOP)
            if self._connection.poll(POLL_INTERVAL_S):
                message = self._received()
                self._is_connected = True
                if message is None:
                    return
                if message != REQUEST or not is_told:  # STOP was the answer
                    yield message
        if not is_told:
            raise ExtractionError(f"{self._where} has not answered for {connect_s:g} s; is it Ray that listens there?")

    def send(self, message: Any) -> None:
        """Sends a message; one to a process that has ended is lost, and `messages` reports that."""
        with suppress(OSError):
            self._connection.send(message)

    def end(self) -> None:
        """Waits for the process, which stops when its connection is closed; then kills it, and so a Ray of its own."""
        self._connection.close()
        self._process.join(END_S if self._is_connected else 0)
        if self._process.is_alive():
            self._process.kill()
        self._process.join()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _received(self) -> Any:
        """The next message; ExtractionError if the process has ended without its last one."""
        try:
            return self._connection.recv()
        except (EOFError, OSError):
            return ExtractionError(
                f"{self._where} is lost: its head or this machine's part of it has ended; what was published is kept: "
                f"the same command goes on from it"
            )

    @property
    def _where(self) -> str:
        return f"the Ray cluster at {self._engine.address}" if self._engine.address else "the Ray of this machine"
