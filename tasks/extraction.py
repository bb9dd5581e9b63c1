"""Tasks that extract the features of videos and the token vectors of captions."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import luigi

from extractors.registry import NamedText
from pipeline.errors import ConfigError
from pipeline.remote.objects import is_remote
from pipeline.running.stopping import deferred
from pipeline.stores import recipes
from tasks.console.extraction_estimate import announce_extraction
from tasks.console.progress import progress_bar, say_meanwhile, video_progress
from tasks.dataset_task import DatasetTask, ModelTask, remakes_damaged
from tasks.fetch_weights import FetchWeights, expert_networks, say_unpinned, text_network
from tasks.manifest import BuildManifest
from tasks.parameters import hidden_joined_names, hidden_unnamed, joined_names, names_in, run_id
from tasks.plan.layout import Layout
from tasks.plan.provenance import provenance
from tasks.plan.settings import Engine, Extraction
from tasks.plan.targets import ExpertTarget, LabelsTarget, TextTarget

if TYPE_CHECKING:
    from extractors.extraction.job import Terms
    from extractors.extraction.one_pass import PassOptions, Wanted


class ExtractExpert(DatasetTask):
    """Extracts the features of an expert (or several, with commas between) from the videos that lack them.

    All experts of a dataset that lack something are joined into one run, which decodes each video once.
    """

    expert = joined_names("Name of an expert")
    beside = hidden_joined_names()  # other networks of the run, as FetchWeights names them
    splits = hidden_joined_names()  # those without which the run cannot end, as in Selection.training_splits
    worker_run = run_id()

    @property
    def networks(self) -> str:
        """The experts' networks, as FetchWeights names them."""
        return expert_networks(self.expert)

    def requires(self) -> Iterator[luigi.Task]:
        """The manifest, and the weights of these networks and of all others that the run needs.

        Else a run could extract for hours before it fails for want of another network's weights.
        """
        yield BuildManifest(self.dataset)
        for network in names_in(f"{self.networks},{self.beside}"):
            yield FetchWeights(network, self.dataset)

    def output(self) -> list[ExpertTarget]:
        """For each expert: complete when every video of the manifest has its row."""
        names = names_in(self.expert)
        if not names:
            raise ConfigError("--expert names no expert; luigi --module tasks ListExperts tells which there are")
        return [ExpertTarget(self.plan.inventory, name) for name in names]

    @remakes_damaged
    def run(self) -> None:
        """Extracts the missing rows of all experts in one pass; where one fails, the rows of the others are kept."""
        self.plan.inventory.refuse_empty_splits(self.splits)
        incomplete = [target for target in self.output() if not target.exists()]
        wanted = self.plan.inventory.missing_features(target.name for target in incomplete if not target.is_imported)
        if wanted:
            self._extract(wanted)
        for target in incomplete:
            if target.is_imported:
                self.plan.inventory.complete_import(target.name)
            target.check_failures()

    def _extract(self, wanted: "list[Wanted]") -> None:
        from extractors.executors.base import RunOptions, load_executor
        from extractors.extraction.job import chunk_jobs, total_video_s
        from extractors.extraction.work import enough_workers

        for item in wanted:
            say_unpinned(f"experts/{item.expert.name}", item.expert.extractor)
            recipes.write_recipe(item.folder, item.expert.recipe, provenance(item.expert.config.extractor))
        settings, files = Extraction(), self.plan.inventory.files()
        announce_extraction(wanted, files, settings, self.plan.selection.layout.store)
        total_s = total_video_s(wanted, files)
        options = enough_workers(wanted, total_s, settings.options())
        jobs, errors = chunk_jobs(wanted, files, self._terms(options)), dict[str, Exception]()
        with deferred() as stop, video_progress("Extracting") as progress:
            run = RunOptions(
                settings.devices,
                tuple(wanted),
                lambda done_s, stage: progress(done_s, total_s, stage),
                say_meanwhile,
            )
            for outcome in load_executor(Engine().options(), run).outcomes(jobs, stop):
                errors = {**outcome.errors, **errors}
        if errors:
            raise ExceptionGroup("experts that failed; the others are kept", list(errors.values()))

    def _terms(self, options: "PassOptions") -> "Terms":
        from extractors.extraction.job import Folders, Terms

        layout = self.plan.selection.layout
        mirrored = layout.stored if is_remote(layout.stored) else ""
        folders = Folders(layout.data.absolute(), layout.store.absolute(), layout.configs.absolute(), mirrored)
        weights = dataclasses.replace(layout.weights, cache=layout.weights.cache.absolute())
        return Terms(self.dataset, folders, weights, options)


class EncodeText(ModelTask):
    """Turns the captions of a dataset into token vectors, by the text encoder of the model or another one."""

    splits = hidden_unnamed()  # as for ExtractExpert
    text = luigi.Parameter(default="", description="Name of a file in configs/text/; by default that of the model")

    @property
    def networks(self) -> str:
        """The encoder's network, as FetchWeights names it."""
        return text_network(self._named.name)

    @property
    def _named(self) -> NamedText:
        selection = self.plan.selection
        return selection.text_encoder(self.text) if self.text else selection.text

    def requires(self) -> Iterator[luigi.Task]:
        """The manifest, which holds the captions, and the weights of the network."""
        yield BuildManifest(self.dataset)
        yield FetchWeights(self.networks, self.dataset)

    def output(self) -> TextTarget:
        """Complete when every caption has its row."""
        return TextTarget(self.plan.inventory, self._named)

    @remakes_damaged
    def run(self) -> None:
        """Encodes the captions that lack a row."""
        self.plan.inventory.refuse_empty_splits(self.splits)
        missing = self.plan.inventory.missing_captions(self._named) or []
        _encode(self._named, missing, self.plan.selection.layout, "caption")


class EncodeLabels(ModelTask):
    """Turns the names of what the experts can recognise into vectors, by the sentence encoder of label words."""

    @property
    def networks(self) -> str:
        """The encoder's network, as FetchWeights names it."""
        return text_network(self.plan.label_words.text.name)

    def requires(self) -> luigi.Task:
        """The weights of the network."""
        return FetchWeights(self.networks)

    def output(self) -> LabelsTarget:
        """Complete when every name has its row."""
        return LabelsTarget(self.plan.label_words)

    @remakes_damaged
    def run(self) -> None:
        """Encodes the names that lack a row."""
        words = self.plan.label_words
        _encode(words.text, words.missing, self.plan.selection.layout, "label")


def _encode(text: NamedText, missing: Sequence[str], layout: Layout, what: str) -> None:
    """Writes the token vectors of `missing` texts, which are captions or labels, to the encoder's store."""
    from extractors.extraction.captions import encode

    say_unpinned(f"text/{text.name}", text.encoder)
    folder = layout.text(text)
    recipes.write_recipe(folder, text.recipe, provenance(text.config.encoder))
    with deferred() as stop, progress_bar(f"Encoding the {what}s", what) as progress:
        encode(text, missing, folder, Extraction().devices[0], progress, stop)


def extraction(dataset: str, names: Iterable[str], *encoders: EncodeText, splits: str = "") -> list[ExtractExpert]:
    """One ExtractExpert for each name; none starts before the weights of all stale experts and `encoders` are there.

    None extracts anything where one of `splits` is empty, since what follows could not end.
    """
    names = list(names)
    tasks: list[ExtractExpert | EncodeText] = [*(ExtractExpert(dataset, name) for name in names), *encoders]
    networks = ",".join(task.networks for task in tasks if not task.complete())
    return [ExtractExpert(dataset, name, networks, splits) for name in names]


def encodings(task: ModelTask, splits: str, has_rows: bool) -> Iterator[EncodeText | EncodeLabels]:
    """What reads the captions for a model; `has_rows`: for rows without training too, and the names of labels."""
    plan, typed = task.plan, (task.dataset, task.model, task.experts)
    yield EncodeText(*typed, splits)
    if has_rows:
        others = [text.name for text in plan.texts if text.name != plan.selection.model.text]
        yield from (EncodeText(*typed, splits, name) for name in others)
        if plan.label_words.is_on:
            yield EncodeLabels(*typed)
