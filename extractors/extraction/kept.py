"""What a process keeps from chunk to chunk: its experts, as its own configs describe them, with loaded networks."""

import atexit
import functools
import platform
from pathlib import Path

from extractors import registry
from extractors.extraction.batches import Batches
from extractors.registry import NamedExpert
from pipeline.errors import ConfigError
from pipeline.running.worker_pool import KeptWorkers
from pipeline.stores.fingerprint import fingerprint
from pipeline.weights.files import WeightOptions


class Kept:
    """The networks that are loaded in this process, and its decode workers."""

    def __init__(self) -> None:
        self._workers = KeptWorkers(0)
        self._batches: dict[tuple[str, str, str], tuple[NamedExpert, Batches]] = {}

    def batches(self, expert: NamedExpert, device: str) -> Batches:
        """The networks of an expert on a device: those that an earlier pass has loaded, if they are of this object.

        Never those of another object of the same fingerprint: what is in no recipe, e.g. ONNX Runtime in place of
        PyTorch, may differ.
        """
        key = expert.name, fingerprint(expert.recipe), device
        before = self._batches.get(key)
        if before is None or before[0] is not expert:
            self._batches[key] = before = expert, Batches(expert, device)
        return before[1]

    def workers(self, number: int) -> KeptWorkers:
        """So many decode workers: those of an earlier pass, if they were as many."""
        if self._workers.number != number:
            self.stop()
            self._workers = KeptWorkers(number)
        return self._workers

    def stop(self) -> None:
        """Ends the decode workers."""
        self._workers.stop()


kept = Kept()
"""What this process keeps until it ends; its decode workers maybe only to `kept.stop()`."""

atexit.register(kept.stop)


def expert_of(name: str, expected: str, configs: Path, options: WeightOptions) -> NamedExpert:
    """The expert called `name` of this host's configs, built once per process.

    ConfigError where its fingerprint is not the `expected` one: its features would be others.
    """
    return _adopted.get((name, expected)) or _built(name, expected, configs, options)


def adopt(expert: NamedExpert) -> None:
    """Makes `expert_of` return this one: an edit of a config does not change a run that has begun."""
    _adopted[expert.name, fingerprint(expert.recipe)] = expert


_adopted: dict[tuple[str, str], NamedExpert] = {}


@functools.lru_cache(maxsize=256)
def _built(name: str, expected: str, configs: Path, options: WeightOptions) -> NamedExpert:
    expert = registry.expert(name, configs / "experts", options)
    found = fingerprint(expert.recipe)
    if found != expected:
        raise ConfigError(
            f"expert {name} is {found} on {platform.node()}, and {expected} where the run was started: its YAML in "
            f"{configs / 'experts'}, the program or the weights differ; make them equal on all hosts and run again"
        )
    return expert
