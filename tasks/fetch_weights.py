"""Fetches the weights of networks before anything works with them."""

from collections.abc import Iterator
from dataclasses import dataclass

import luigi

from extractors.registry import NamedExpert, NamedText, text, weight_files
from pipeline.errors import ConfigError
from pipeline.stores import store
from pipeline.weights import cache
from pipeline.weights.files import WeightFile
from tasks.parameters import joined_names, names_in, run_id
from tasks.plan.plan import Plan, plan
from tasks.plan.selection import read_expert
from tasks.plan.settings import Partial, Paths


class FetchWeights(luigi.Task):
    """Fetches the files of weights that experts and text encoders lack; one error lists all that cannot be had.

    All stages of a run that lack some are served by one, before any of them works.
    """

    networks = joined_names("Experts and text encoders, with commas between, e.g. experts/clip,text/clip")
    dataset = luigi.Parameter(default="", description="Leave out what has all of this dataset already")
    worker_run = run_id()
    priority = 1  # before the videos are made or looked into: what cannot be had is told at once

    def requires(self) -> Iterator[luigi.Task]:
        """The list of the videos, where it must be known to tell whether a network has still to see some of them."""
        from tasks.manifest import BuildManifest  # which itself needs this module

        if self._plan and self._plan.manifest() is None and any(network.has_rows for network in self._networks()):
            yield BuildManifest(self.dataset)

    def complete(self) -> bool:
        """Whether all files are here that are needed."""
        return not self._missing()

    def run(self) -> None:
        """Fetches what is not here."""
        cache.ensure(self._missing(), Paths().layout.weights)

    def _missing(self) -> list[WeightFile]:
        options = Paths().layout.weights
        lacking = [network for network in self._networks() if cache.missing(network.files, options)]
        return cache.missing((file for one in lacking if not one.is_fresh(self._plan) for file in one.files), options)

    @property
    def _plan(self) -> Plan | None:
        return plan(Paths().layout, self.dataset, allow_partial=Partial().allow_partial) if self.dataset else None

    def _networks(self) -> "list[_Network]":
        return [_network(told) for told in names_in(self.networks)]


@dataclass(frozen=True)
class _Network:
    """An expert's, or a text encoder's."""

    of: NamedExpert | NamedText

    @property
    def files(self) -> list[WeightFile]:
        return weight_files([self.of.extractor if isinstance(self.of, NamedExpert) else self.of.encoder])

    @property
    def has_rows(self) -> bool:
        layout = Paths().layout
        folder = layout.features(self.of) if isinstance(self.of, NamedExpert) else layout.text(self.of)
        return bool(store.rows(folder))

    def is_fresh(self, dataset: Plan | None) -> bool:
        """Whether it has nothing left to do there; false while that is not known."""
        if dataset is None or dataset.manifest() is None:
            return False
        if isinstance(self.of, NamedText):
            return not dataset.missing_captions(self.of)
        state = dataset.expert_state(self.of)
        return state is not None and not state.remaining


def expert_networks(names: str) -> str:
    """What FetchWeights is told of experts with these names."""
    return ",".join(f"experts/{name}" for name in names_in(names))


def text_network(name: str) -> str:
    """What FetchWeights is told of the text encoder with this name."""
    return f"text/{name}"


def _network(told: str) -> _Network:
    layout = Paths().layout
    kind, _, name = told.partition("/")
    if kind == "experts":
        return _Network(read_expert(name, layout.configs / kind, layout.weights))
    if kind == "text":
        return _Network(text(name, layout.configs / kind, layout.weights))
    raise ConfigError(f"--networks {told}: must be experts/<name> or text/<name>")
