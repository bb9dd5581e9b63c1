"""Task that prints a table of all experts."""

import dataclasses
from collections.abc import Sequence

import luigi

from extractors import registry
from extractors.registry import NamedExpert
from pipeline import config
from pipeline.errors import PipelineError
from pipeline.weights import cache
from pipeline.weights.files import WeightOptions, unpinned
from tasks.console.terminal import print_json, print_table
from tasks.dataset_task import RunsEachTime
from tasks.parameters import json_parameter
from tasks.plan.settings import Paths

COLUMNS = ("expert", "modality", "network", "licence", "weights", "labels", "dimension", "MB")
MOST_NAMED = 2
"""Files without a checksum whose parts are named; more are counted."""


class ListExperts(RunsEachTime, luigi.Task):
    """A table of all experts: modality, network, licence, whether the weights are here, dimension, size.

    With --json: {experts}; each has the columns of the table as keys: expert, modality, network, licence, weights,
    labels, and as numbers dimension and MB (null where nobody knows it or nothing is fetched).
    """

    keeps_log = False

    json = json_parameter()

    def run(self) -> None:
        """Prints the table."""
        layout = Paths().layout
        # Also where [Weights] asks for stand-ins, the table is on the real weights.
        options = dataclasses.replace(layout.weights, seeded=False)
        folder = layout.configs / "experts"
        experts = [registry.expert(name, folder, options) for name in config.names(folder)]
        rows = [_cells(expert, options) for expert in experts if not expert.is_imported]
        if self.json:
            print_json({"experts": [_plain(row) for row in rows]})
        else:
            print_table("Experts", COLUMNS, rows, left=6)
        self.has_run = True


def _plain(row: Sequence[str]) -> dict[str, str | int | None]:
    """The row with its last two columns as numbers."""
    *texts, dimension, size = row
    return {**dict(zip(COLUMNS, texts, strict=False)), "dimension": int(dimension), "MB": int(size) if size else None}


def _cells(expert: NamedExpert, options: WeightOptions) -> list[str]:
    """The row of an expert; where its weights are unknown, the error stands in their column."""
    extractor = expert.extractor
    first = [expert.name, expert.config.modality, expert.network]
    try:
        files = list(extractor.weight_files().values())
    except PipelineError as error:
        return [*first, "", str(error), _labels(expert), str(extractor.dim), ""]
    if files:
        num_here = len(files) - len(cache.missing(files, options))
        weights = "here" if num_here == len(files) else f"{num_here} of {len(files)} here"
        loose = unpinned(extractor.weight_files())
        if loose:
            weights += "; no checksum" + (f": {', '.join(loose)}" if len(loose) <= MOST_NAMED else f" of {len(loose)}")
    else:
        elsewhere = "on a server" if extractor.runtime.server else "inside its package"
        weights = elsewhere if extractor.weights else "needs none"
    size = f"{sum(file.size_mb for file in files):.0f}" if files and all(file.size_mb for file in files) else ""
    return [*first, registry.licences(files), weights, _labels(expert), str(extractor.dim), size]


def _labels(expert: NamedExpert) -> str:
    """Which class names the labels have that the expert keeps, and how many it keeps; empty where it keeps none."""
    kept = expert.config.labels
    if kept is None:
        return ""
    return f"{kept.keep} of {kept.names if isinstance(kept.names, str) else f'{len(kept.names)} of its YAML'}"
