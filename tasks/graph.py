"""The DAG of the main line. A task loads its inputs, calls one function, and commits.

MakeDemo (demo only) -> BuildManifest, FetchWeights -> ExtractExpert x N, EncodeText -> TrainCE x seeds -> EvaluateCE
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import luigi

from pipeline import store
from pipeline.errors import ConfigError
from tasks.dataset_task import SEEDS, DatasetTask, ModelTask
from tasks.fetching import FetchWeights, expert_networks, text_network
from tasks.forecast import tell_work
from tasks.inventory import look_again
from tasks.joined import joined_names, joined_names_beside, names_in, run_id
from tasks.pages import RankingsPage
from tasks.provenance import provenance
from tasks.settings import Extraction, Partial, Paths
from tasks.targets import DemoTarget, ExpertTarget, FolderTarget, ManifestTarget, TextTarget
from tasks.terminal import bar, say

if TYPE_CHECKING:
    from extractors.fused import Wanted

__all__ = [
    "SEEDS",
    "BuildManifest",
    "DatasetTask",
    "EncodeText",
    "EvaluateCE",
    "ExtractExpert",
    "Extraction",
    "MakeDemo",
    "ModelTask",
    "Partial",
    "Paths",
    "TrainCE",
]


class MakeDemo(DatasetTask):
    """Makes the videos and captions of the demo dataset: real files with known content."""

    def output(self) -> DemoTarget:
        """Present when the demo was made with the settings that the YAML has now."""
        return DemoTarget(self.plan)

    def run(self) -> None:
        """Makes what is missing of it."""
        from pipeline.demo import make_demo

        with bar("Making the demo videos", "video") as progress:
            make_demo(self.plan.demo_settings, self.plan.demo_folder, progress)
        look_again(self.dataset)


class BuildManifest(DatasetTask):
    """Lists the videos of a dataset by content, with their captions and splits; reads only new and changed files."""

    def requires(self) -> Iterable[luigi.Task]:
        """The demo must be made; other datasets are found."""
        return [MakeDemo(self.dataset)] if self.plan.settings.demo else []

    def output(self) -> ManifestTarget:
        """Present when the folder looks as it did when it was last looked into."""
        return ManifestTarget(self.plan)

    def run(self) -> None:
        """Looks into what is new."""
        options = Extraction()
        with bar("Looking into the files", "file") as progress:
            built = self.plan.build_manifest(options.num_workers, options.deadline_s, progress)
        for warning in built.warnings:
            say(f"Note: {warning}")


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
        from extractors.several import extract

        for item in wanted:
            store.write_recipe(item.folder, item.expert.recipe, provenance(item.expert.config.extractor))
        settings, files = Extraction(), self.plan.files()
        tell_work(wanted, files, settings, self.plan.layout.store)
        with bar("Extracting", "video") as progress:
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
        from extractors.texts import encode

        folder = self.plan.layout.text(self.plan.text)
        store.write_recipe(folder, self.plan.text.recipe, provenance(self.plan.text.config.encoder))
        with bar("Encoding the captions", "caption") as progress:
            encode(self.plan.text, self.plan.missing_captions() or [], folder, Extraction().devices[0], progress)


def extraction(dataset: str, names: Iterable[str], *others: EncodeText) -> list[ExtractExpert]:
    """The extraction of experts; none starts before the weights for all that is stale, `others` too, are here."""
    names = list(names)
    tasks: list[ExtractExpert | EncodeText] = [*(ExtractExpert(dataset, name) for name in names), *others]
    beside = ",".join(task.networks for task in tasks if not task.complete())
    return [ExtractExpert(dataset, name, beside) for name in names]


class TrainCE(ModelTask):
    """Trains the model on the training split with one seed, choosing the epoch by the validation split."""

    seed = luigi.IntParameter(description="Random seed")

    def requires(self) -> Iterator[luigi.Task]:
        """The features of all its experts, the token vectors of the captions, and the models that it learns from."""
        encode = EncodeText(self.dataset, self.model, self.experts)
        yield from extraction(self.dataset, self.plan.expert_names, encode)
        yield encode
        yield from self._teachers()

    def _teachers(self) -> "Iterator[TrainCE]":
        return (TrainCE(self.dataset, teacher.model_name, "", self.seed) for teacher in self.plan.teachers)

    def output(self) -> FolderTarget:
        """Present when the run with exactly these inputs is finished."""
        return FolderTarget(self.plan.train_folder(self.seed))

    def run(self) -> None:
        """Trains, from where a killed run stopped."""
        if self.complete():
            return  # the dataset's folder had to be looked into, and holds what it held
        from models.stages import train_seed

        folder = self.output().need()
        teachers = [(task.plan.sources(), task.output().need()) for task in self._teachers()]
        with bar(f"Training, seed {self.seed}", "epoch") as progress:
            train_seed(self.plan.sources(), self.plan.model, self.seed, folder, progress, teachers)
        store.write_recipe(folder, self.plan.train_recipe(self.seed) or {}, provenance())


class EvaluateCE(ModelTask):
    """Trains with each seed and reports how well captions find their videos, and videos their captions."""

    seeds = luigi.Parameter(default="", description=SEEDS)
    split = luigi.ChoiceParameter(choices=("train", "val", "test"), default="test", description="Split to report on")
    rankings = luigi.BoolParameter(
        default=True, parsing=luigi.BoolParameter.EXPLICIT_PARSING, description="Whether to make rankings.html as well"
    )

    def requires(self) -> Iterator[luigi.Task]:
        """A trained model for each seed."""
        for seed in self.plan.seeds(self.seeds):
            yield TrainCE(self.dataset, self.model, self.experts, seed)

    def output(self) -> FolderTarget:
        """Present when the report on exactly these runs is written."""
        return FolderTarget(self.plan.evaluate_folder(self.plan.seeds(self.seeds), self.split))

    def complete(self) -> bool:
        """Whether the report is there and, where it is wanted, the page of rankings beside it."""
        return self.output().exists() and (not self.rankings or self._page.target.exists())

    def run(self) -> None:
        """Writes report.json, report.html and ranks.csv, then rankings.html; a killed run goes on where it stopped."""
        if not self.output().exists():
            self._report()
        if self.rankings and not self._page.target.exists():
            self._page.write()

    def _report(self) -> None:
        from models.stages import evaluate_seeds
        from pipeline.report import write_report

        folder = self.output().need()
        seeds = self.plan.seeds(self.seeds)
        runs = {seed: TrainCE(self.dataset, self.model, self.experts, seed).output().need() for seed in seeds}
        report = evaluate_seeds(self.plan.sources(), self.plan.model, runs, self.split)
        write_report(folder, report | self.plan.report_facts() | {"rankings": self.rankings})
        store.write_recipe(folder, self.plan.evaluate_recipe(seeds, self.split) or {}, provenance())

    def closing(self) -> None:
        """Prints the tables and where the report lies."""
        from tasks.tables import print_report

        print_report(self.output().need())

    @property
    def _page(self) -> RankingsPage:
        return RankingsPage(self.plan, self.plan.seeds(self.seeds), self.split)
