"""One thread for the networks of a pass: while a device works on a batch, the process makes up the next one.

PyTorch lets go of Python's lock while it computes, copies or waits for a GPU.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

Result = TypeVar("Result")

_Job = tuple[Future[Any], Callable[[], Any]]


class NetworkThread:
    """Does one thing after another, in the order in which they were given to it."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        # A daemon: an interrupted run ends at once, and not with the batch, which may take a minute on a CPU.
        threading.Thread(target=self._work, name="networks", daemon=True).start()

    def submit(self, job: Callable[[], Result]) -> Future[Result]:
        """What will come of `job`."""
        future: Future[Result] = Future()
        self._jobs.put((future, job))
        return future

    def stop(self) -> None:
        """Ends the thread once it has done what was submitted; does not wait for it."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (given := self._jobs.get()) is not None:
            future, job = given
            try:
                future.set_result(job())
            except BaseException as error:  # whoever asks for the result gets it
                future.set_exception(error)
            # Else the last batch would stay in memory while this waits for the next.
            del given, future, job
