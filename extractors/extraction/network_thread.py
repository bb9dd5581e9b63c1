"""Threads that run the networks of a pass, so that the main thread packs the next batch meanwhile.

PyTorch and ONNX Runtime release Python's global lock while they compute, copy or wait for a GPU.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

Result = TypeVar("Result")

_Job = tuple[Future[Any], Callable[[], Any], str]


class NetworkThread:
    """Runs jobs one after another, in the order in which they were submitted."""

    number = 1
    """Of threads."""

    def __init__(self) -> None:
        self.current = ""
        """Name of the expert whose networks run, or ran last."""
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        for _ in range(self.number):
            # A daemon: an interrupted run ends at once, not after the batch, which may take a minute on a CPU.
            threading.Thread(target=self._work, name="networks", daemon=True).start()

    def submit(self, job: Callable[[], Result], expert: str) -> Future[Result]:
        """The future result of `job`, which runs the networks of an expert."""
        future: Future[Result] = Future()
        self._jobs.put((future, job, expert))
        return future

    def stop(self) -> None:
        """Ends the thread after the job that runs; does not wait for it. Jobs that have not begun are dropped."""
        with suppress(Empty):
            while True:
                self._jobs.get_nowait()
        for _ in range(self.number):
            self._jobs.put(None)

    def _work(self) -> None:
        while (entry := self._jobs.get()) is not None:
            future, job, self.current = entry
            try:
                future.set_result(job())
            except BaseException as error:  # raised by future.result()
                future.set_exception(error)
            # Otherwise the last batch would stay in memory while the thread waits for the next one.
            del entry, future, job


class SideThreads(NetworkThread):
    """Several threads, for what computes on one core each: jobs begin in their order, so many at once."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__()
