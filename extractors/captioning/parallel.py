"""Runs calls that wait for others side by side, each in a thread that holds up nobody's exit."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from typing import TypeVar

Result = TypeVar("Result")


def in_parallel(calls: Sequence[Callable[[], Result]], longest_s: float) -> list[Result | None]:
    """The result of each call, None where it is not there after `longest_s`; the first error is raised.

    Daemon threads: Python waits at its exit for those of a ThreadPoolExecutor, as long as the slowest server takes.
    """
    futures = [_started(call) for call in calls]
    until_s = time.monotonic() + longest_s
    results: list[Result | None] = []
    for future in futures:
        done = wait([future], max(0.0, until_s - time.monotonic())).done
        results.append(future.result() if done else None)
    return results


def _started(call: Callable[[], Result]) -> Future[Result]:
    future: Future[Result] = Future()

    def work() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # raised by future.result()
            future.set_exception(error)

    threading.Thread(target=work, name="captions", daemon=True).start()
    return future
