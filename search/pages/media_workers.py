"""Worker processes in which the pages read video files, so that a hostile one costs no more than its own answer.

A file that hangs or crashes a decoder is given up after a deadline. There are few workers, whatever is asked, and few
who wait for them.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from fastapi import HTTPException

from pipeline.errors import DecodeError
from pipeline.running.worker_pool import Done, KeptWorkers, run_jobs

Result = TypeVar("Result")


class MediaWorkers:
    """So many processes, started when they are first needed, and a queue for them."""

    def __init__(self, number: int, deadline_s: float, most_waiting: int) -> None:
        self._number, self._deadline_s = number, deadline_s
        self._places = threading.BoundedSemaphore(number + most_waiting)
        self._threads: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self._own = threading.local()
        self._kept: list[KeptWorkers] = []

    def run(self, job: Callable[[], Result]) -> Result:
        """The result of the job, which must be picklable: an instance of a dataclass that can be called.

        Raises DecodeError when it fails or takes too long, HTTPException 503 when too many wait already.
        """
        if not self._places.acquire(blocking=False):
            raise HTTPException(503, "Too many videos are being read at the same time", {"Retry-After": "2"})
        try:
            done = self._executor().submit(self._run, job).result()
        finally:
            self._places.release()
        if done.failure:
            raise DecodeError(done.failure.reason)
        assert done.result is not None
        return done.result

    def stop(self) -> None:
        """Ends the processes, also in the middle of a job; a later job starts new ones."""
        with self._lock:
            threads, self._threads = self._threads, None
            kept, self._kept = self._kept, []
            self._own = threading.local()
        if threads:
            threads.shutdown(wait=True, cancel_futures=True)
        for workers in kept:
            workers.stop()

    def _executor(self) -> ThreadPoolExecutor:
        # Threads of its own: the system ends a worker with the thread that started it, and the server's come and go.
        with self._lock:
            self._threads = self._threads or ThreadPoolExecutor(self._number, "media")
            return self._threads

    def _run(self, job: Callable[[], Result]) -> "Done[Callable[[], Result], Result]":
        workers: KeptWorkers | None = getattr(self._own, "workers", None)
        if workers is None:
            workers = self._own.workers = KeptWorkers(1)
            self._kept.append(workers)
        # One function for all kinds of jobs, since another one would start the worker anew.
        (done,) = run_jobs(_call, [job], workers, self._deadline_s)
        return done


def _call(job: Callable[[], Result]) -> Result:
    return job()


PICTURES = MediaWorkers(2, deadline_s=10.0, most_waiting=64)
"""Takes stills: many at once, as a page shows many."""
CLIPS = MediaWorkers(2, deadline_s=60.0, most_waiting=6)
"""Cuts and converts: each takes a core for seconds."""
MAPS = MediaWorkers(1, deadline_s=180.0, most_waiting=4)
"""Computes maps: each takes a core for seconds, or a minute."""


def stop_all() -> None:
    """Ends all workers, when the server stops."""
    for workers in (PICTURES, CLIPS, MAPS):
        workers.stop()
