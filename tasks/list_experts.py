"""Tells which experts there are."""

import dataclasses

import luigi

from extractors import registry
from extractors.registry import NamedExpert
from pipeline import config
from pipeline.errors import PipelineError
from pipeline.weights.files import WeightOptions
from tasks.console.terminal import print_table
from tasks.plan.settings import Paths

COLUMNS = ("expert", "modality", "network", "licence", "weights", "dimension", "MB")


class ListExperts(luigi.Task):
    """A table of all experts: modality, network, licence, whether the weights are here, dimension, size."""

    done = False

    def complete(self) -> bool:
        """True once it has run."""
        return self.done

    def run(self) -> None:
        """Prints the table."""
        layout = Paths().layout
        # What a network needs is asked of it as if it ran on its real weights.
        options = dataclasses.replace(layout.weights, seeded=False)
        folder = layout.configs / "experts"
        experts = [registry.expert(name, folder, options) for name in config.names(folder)]
        rows = [_row(expert, options) for expert in experts if not expert.is_imported]
        print_table("Experts", COLUMNS, rows, left=5)
        self.done = True


def _row(expert: NamedExpert, options: WeightOptions) -> list[str]:
    extractor = expert.extractor
    network = str(getattr(extractor.params, "network", "")) or expert.config.extractor
    known = [expert.name, expert.config.modality, network]
    try:
        files = list(extractor.weight_files().values())
    except PipelineError as error:
        return [*known, "", str(error), str(extractor.dim), ""]
    here = sum(options.path(file).is_file() for file in files)
    inside = "inside its package" if extractor.weights else "needs none"
    told = ("here" if here == len(files) else f"{here} of {len(files)} here") if files else inside
    licences = ", ".join(dict.fromkeys(file.licence for file in files if file.licence))
    size = f"{sum(file.size_mb for file in files):.0f}" if all(file.size_mb for file in files) and files else ""
    return [*known, licences, told, str(extractor.dim), size]
