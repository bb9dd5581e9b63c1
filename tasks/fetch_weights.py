"""Task that fetches the weights of all networks of a run before any of them is used."""

from collections.abc import Iterator
from dataclasses import dataclass

import luigi

from extractors.base import Plugin
from extractors.registry import NamedExpert, NamedText, text, weight_files
from pipeline.errors import ConfigError
from pipeline.stores import store
from pipeline.weights import cache
from pipeline.weights.files import WeightFile, unpinned
from tasks.console.terminal import say
from tasks.manifest import BuildManifest
from tasks.parameters import joined_names, names_in, run_id
from tasks.plan.plan import Plan, load_plan
from tasks.plan.selection import read_expert
from tasks.plan.settings import Partial, Paths


class FetchWeights(luigi.Task):
    """Fetches the files of weights that experts and text encoders lack; one error lists all that cannot be had.

    Luigi joins all stages of a run that lack some into one such task, which runs before any of them.
    """

    networks = joined_names("Experts and text encoders, with commas between, e.g. experts/clip,text/clip")
    dataset = luigi.Parameter(default="", description="Leave out what has all of this dataset already")
    worker_run = run_id()
    priority = 1  # before videos are made or scanned: a missing file is reported at once

    def requires(self) -> Iterator[luigi.Task]:
        """The manifest, where only it tells whether a network that has rows still misses some of the dataset."""
        if self._plan and self._plan.inventory.manifest() is None and any(net.has_rows for net in self._networks()):
            yield BuildManifest(self.dataset)

    def complete(self) -> bool:
        """Whether all files are there that are needed."""
        return not self._missing()

    def run(self) -> None:
        """Fetches the missing files."""
        cache.ensure(self._missing(), Paths().layout.weights)

    def _missing(self) -> list[WeightFile]:
        """The missing files of the networks that still have work to do on the dataset."""
        options = Paths().layout.weights
        incomplete = [network for network in self._networks() if cache.missing(network.files, options)]
        stale = [network for network in incomplete if not network.is_fresh(self._plan)]
        return cache.missing((file for network in stale for file in network.files), options)

    @property
    def _plan(self) -> Plan | None:
        if not self.dataset:
            return None
        return load_plan(Paths().layout, self.dataset, allow_partial=Partial().allow_partial)

    def _networks(self) -> "list[_Network]":
        return [_network(name) for name in names_in(self.networks)]


@dataclass(frozen=True)
class _Network:
    """The network of an expert or of a text encoder."""

    owner: NamedExpert | NamedText

    @property
    def files(self) -> list[WeightFile]:
        return weight_files([self.owner.extractor if isinstance(self.owner, NamedExpert) else self.owner.encoder])

    @property
    def has_rows(self) -> bool:
        """Whether its store holds anything, of whatever dataset."""
        layout, owner = Paths().layout, self.owner
        folder = layout.features(owner) if isinstance(owner, NamedExpert) else layout.text(owner)
        return len(store.table(folder)) > 0

    def is_fresh(self, plan: Plan | None) -> bool:
        """Whether its store has all rows of the planned dataset; false where that is not known."""
        if plan is None or plan.inventory.manifest() is None:
            return False
        if isinstance(self.owner, NamedText):
            return not plan.inventory.missing_captions(self.owner)
        state = plan.inventory.expert_state(self.owner)
        return state is not None and not state.remaining


def expert_networks(names: str) -> str:
    """The parameter `networks` for experts with these names."""
    return ",".join(f"experts/{name}" for name in names_in(names))


def text_network(name: str) -> str:
    """The parameter `networks` for the text encoder with this name."""
    return f"text/{name}"


def say_unpinned(name: str, plugin: Plugin) -> None:
    """One line where nothing tells whether weights of `name`, e.g. experts/clip, are those that were published."""
    parts = unpinned(plugin.weight_files())
    if parts:
        say(
            f"{name}: no checksum of its weights ({', '.join(parts)}): what the server sends is taken; pin each file "
            f"under weights: in configs/{name}.yaml by url, sha256 and, on a hub, revision"
        )


def _network(name: str) -> _Network:
    layout = Paths().layout
    kind, _, stem = name.partition("/")
    if kind == "experts":
        return _Network(read_expert(stem, layout.configs / kind, layout.weights))
    if kind == "text":
        return _Network(text(stem, layout.configs / kind, layout.weights))
    raise ConfigError(f"--networks {name}: must be experts/<name> or text/<name>")
