"""Features of videos, and token vectors of captions."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import luigi

from pipeline.errors import ConfigError
from pipeline.stores import recipes
from tasks.console.extraction_estimate import announce_extraction
from tasks.console.terminal import progress_bar
from tasks.dataset_task import DatasetTask, ModelTask
from tasks.fetch_weights import FetchWeights, expert_networks, text_network
from tasks.manifest import BuildManifest
from tasks.parameters import joined_names, joined_names_beside, names_in, run_id
from tasks.plan.provenance import provenance
from tasks.plan.settings import Extraction
from tasks.plan.targets import ExpertTarget, TextTarget

if TYPE_CHECKING:
    from extractors.extraction.one_pass import Wanted


class ExtractExpert(DatasetTask):
    """Extracts the features of an expert (or several, with commas between) from the videos that lack them.

    All experts of a dataset that lack something are joined into one run, which decodes each video once.
    """

    expert = joined_names("Name of an expert")
    beside = joined_names_beside()
    worker_run = run_id()

    @property
    def networks(self) -> str:
        """Those that it works with."""
        return expert_networks(self.expert)

    def requires(self) -> Iterator[luigi.Task]:
        """The list of the videos, and the weights of the networks: its own, and those that the run needs beside them.

        Else hours would go by before it turns out that the run as a whole cannot end.
        """
        yield BuildManifest(self.dataset)
        yield from (FetchWeights(one, self.dataset) for one in names_in(f"{self.networks},{self.beside}"))

    def output(self) -> list[ExpertTarget]:
        """For each expert: present when every video of the manifest has its row."""
        names = names_in(self.expert)
        if not names:
            raise ConfigError("--expert names no expert; luigi --module tasks ListExperts tells which there are")
        return [ExpertTarget(self.plan, name) for name in names]

    def run(self) -> None:
        """Decodes what any of them lacks; what an expert finished is kept when another one fails."""
        lacking = [target for target in self.output() if not target.exists()]
        wanted = self.plan.wanted(target.name for target in lacking if not target.is_imported)
        if wanted:
            self._extract(wanted)
        for target in lacking:
            if target.is_imported:
                self.plan.complete_import(target.name)
            target.refuse_too_many_failures()

    def _extract(self, wanted: "list[Wanted]") -> None:
        from extractors.extraction.devices import extract

        for item in wanted:
            recipes.write_recipe(item.folder, item.expert.recipe, provenance(item.expert.config.extractor))
        settings, files = Extraction(), self.plan.files()
        announce_extraction(wanted, files, settings, self.plan.layout.store)
        with progress_bar("Extracting", "video") as progress:
            errors = extract(settings.devices, wanted, files, settings.options(), progress)
        if errors:
            raise ExceptionGroup("experts that failed; the others are kept", list(errors.values()))


class EncodeText(ModelTask):
    """Turns the captions of a dataset into token vectors, by the text encoder of the model."""

    @property
    def networks(self) -> str:
        """The one that it works with."""
        return text_network(self.plan.model.text)

    def requires(self) -> Iterator[luigi.Task]:
        """The captions are in the manifest; and the weights of the network."""
        yield BuildManifest(self.dataset)
        yield FetchWeights(self.networks, self.dataset)

    def output(self) -> TextTarget:
        """Present when every caption has its row."""
        return TextTarget(self.plan)

    def run(self) -> None:
        """Encodes the captions that lack a row."""
        from extractors.extraction.captions import encode

        folder = self.plan.layout.text(self.plan.text)
        recipes.write_recipe(folder, self.plan.text.recipe, provenance(self.plan.text.config.encoder))
        with progress_bar("Encoding the captions", "caption") as progress:
            encode(self.plan.text, self.plan.missing_captions() or [], folder, Extraction().devices[0], progress)


def extraction(dataset: str, names: Iterable[str], *others: EncodeText) -> list[ExtractExpert]:
    """The extraction of experts; none starts before the weights for all that is stale, `others` too, are here."""
    names = list(names)
    tasks: list[ExtractExpert | EncodeText] = [*(ExtractExpert(dataset, name) for name in names), *others]
    beside = ",".join(task.networks for task in tasks if not task.complete())
    return [ExtractExpert(dataset, name, beside) for name in names]
