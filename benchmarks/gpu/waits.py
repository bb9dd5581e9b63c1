"""Who waits for whom in a pass: the one who packs batches for the decoders, or for the networks, or they for him.

Two borders of the pass are watched from outside; nothing in it is different for that.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from extractors.extraction import one_pass
from extractors.extraction.network_thread import NetworkThread
from extractors.extraction.watch import Watch


@dataclass
class Waits:
    """Seconds of one pass."""

    wall_s: float = 0.0
    for_decoding_s: float = 0.0
    """What is packed into batches is not there yet: the decode workers are the bottleneck."""
    for_networks_s: float = 0.0
    """Two batches of an expert are under way already: the networks are the bottleneck."""
    networks_s: float = 0.0
    """The networks are at work: copies, kernels, and what is done around them on the CPU; not what takes one core."""

    def shares(self) -> dict[str, float]:
        """Of the wall time; the networks have nothing to do for the rest of theirs."""
        told = {"waiting_for_decoding": self.for_decoding_s, "waiting_for_networks": self.for_networks_s}
        told["networks_idle"] = max(0.0, self.wall_s - self.networks_s)
        return {name: round(seconds / max(self.wall_s, 1e-9), 3) for name, seconds in told.items()}


@contextmanager
def watched() -> Iterator[Waits]:
    """The context in which a pass is watched."""
    waits, run_jobs = Waits(), one_pass.run_jobs

    def jobs(*told: Any, **more: Any) -> Iterator[Any]:
        results = iter(run_jobs(*told, **more))
        while True:
            began = time.perf_counter()
            try:
                done = next(results)
            except StopIteration:
                return
            finally:
                waits.for_decoding_s += time.perf_counter() - began
            yield done

    class Watched(NetworkThread):
        def submit(self, job: Any, expert: str) -> Any:
            def timed() -> Any:
                began = time.perf_counter()
                try:
                    return job()
                finally:
                    waits.networks_s += time.perf_counter() - began

            return super().submit(timed, expert)

    result = Watch.result

    def awaited(self: Watch, *told: Any) -> Any:
        began = time.perf_counter()
        try:
            return result(self, *told)
        finally:
            waits.for_networks_s += time.perf_counter() - began

    began = time.perf_counter()
    with (
        mock.patch.object(one_pass, "run_jobs", jobs),
        mock.patch.object(one_pass, "NetworkThread", Watched),
        mock.patch.object(Watch, "result", awaited),
    ):
        yield waits
    waits.wall_s = time.perf_counter() - began
