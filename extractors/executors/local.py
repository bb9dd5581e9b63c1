"""Runs chunks on the devices of this machine: one process per device, which requests them one after another.

The features of a video depend on no other video. So on equal devices they are bit for bit those of one device,
whichever process computed them.
"""

import dataclasses
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from multiprocessing.connection import wait
from typing import Any

from extractors.executors.base import EngineOptions, Outcome, RunOptions
from extractors.executors.device_process import REQUEST, STOP, STOP_TIMEOUT_S, DeviceProcess
from extractors.extraction.job import ChunkJob, todo_of
from extractors.extraction.one_pass import run_pass
from extractors.extraction.watch import POLL_INTERVAL_S, Watch
from extractors.extraction.work import PassOptions


class LocalExecutor:
    """Runs all jobs on the devices of this machine, on each of them in one continuous pass."""

    def __init__(self, run: RunOptions) -> None:
        self._run = run

    def outcomes(self, jobs: Iterable[ChunkJob], stop: Callable[[], bool]) -> Iterator[Outcome]:
        """As an Executor: all at the end of a pass, since a pass does not end with a chunk.

        A process that was killed is reported as an error under the name of its device; the others finish the remaining
        chunks.
        """
        first, rest = self._begun(iter(jobs))
        if not first:
            return
        num_devices = min(len(self._run.devices), len(first))
        jobs = itertools.chain(first, rest)
        if num_devices < 2:
            yield from self._on_one(jobs, first[0].options, stop)
        else:
            yield from self._on_several(self._run.devices[:num_devices], jobs, first[0].options, stop)

    def _begun(self, jobs: Iterator[ChunkJob]) -> tuple[list[ChunkJob], Iterator[ChunkJob]]:
        """The first jobs, as many as devices that have the work of a whole chunk; and the others."""
        first, num_videos = list[ChunkJob](), 0
        size = len(self._run.devices)
        for job in jobs:
            first.append(job)
            num_videos += len(job.videos)
            if len(first) >= size and num_videos > (size - 1) * job.options.videos_per_part:
                break
        needed = -(-num_videos // first[0].options.videos_per_part) if first else 0
        return (first, jobs) if needed >= size else (first[:needed], itertools.chain(first[needed:], jobs))

    def _on_one(self, jobs: Iterable[ChunkJob], options: PassOptions, stop: Callable[[], bool]) -> Iterator[Outcome]:
        """In this process."""
        numbers: list[int] = []
        own = dataclasses.replace(options, device=self._run.devices[0])
        todo = todo_of(_noted(jobs, numbers), self._run.wanted)
        errors = run_pass(self._run.wanted, todo, own, Watch(self._run.progress, stop))
        yield from (Outcome(number, errors) for number in numbers)

    def _on_several(
        self, devices: Sequence[str], jobs: Iterable[ChunkJob], options: PassOptions, stop: Callable[[], bool]
    ) -> Iterator[Outcome]:
        """In one process per device."""
        processes: list[DeviceProcess] = []
        try:
            processes += (DeviceProcess(device, self._run.wanted, options) for device in devices)
            yield from _serve(processes, iter(jobs), self._run.progress, stop)
        finally:
            # Those that were asked to stop have had their time.
            until_s = time.monotonic() + (0 if stop() else STOP_TIMEOUT_S)
            for process in processes:
                process.connection.close()
            for process in processes:
                process.end(until_s)


def executor(engine: EngineOptions, run: RunOptions) -> LocalExecutor:
    """The executor of this module."""
    return LocalExecutor(run)


def _noted(jobs: Iterable[ChunkJob], numbers: list[int]) -> Iterator[ChunkJob]:
    for job in jobs:
        numbers.append(job.number)
        yield job


def _serve(
    processes: list[DeviceProcess],
    jobs: Iterator[ChunkJob],
    progress: Callable[[float, str], None],
    stop: Callable[[], bool],
) -> Iterator[Outcome]:
    """Answers requests for chunks until all processes have ended; the outcomes of a process when it has."""
    done_s, stage = 0.0, ""
    running: dict[Any, DeviceProcess] = {process.connection: process for process in processes}
    stop_s = float("inf")
    while running and time.monotonic() < stop_s:
        if stop() and stop_s == float("inf"):
            stop_s = time.monotonic() + STOP_TIMEOUT_S
            jobs = iter(())
            for process in running.values():
                process.send(STOP)
        for connection in wait(list(running), POLL_INTERVAL_S):
            process = running[connection]
            message = process.receive()
            if message == REQUEST:
                process.give(next(jobs, None))
            elif isinstance(message, tuple):
                done_s, stage = done_s + message[0], message[1]
            else:
                process.has_ended = True
                del running[connection]
                yield from (Outcome(number, message) for number in process.numbers or (None,))
        progress(done_s, stage)
