"""The DAG: every task that can be typed. A task loads its inputs, calls one function, and commits.

MakeDemo (demo only) -> BuildManifest -> ExtractExpert x N, EncodeText -> TrainCE x seeds -> EvaluateCE
"""

import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import luigi
from luigi.cmdline_parser import CmdlineParser

from pipeline import store
from tasks.forecast import tell_work
from tasks.layout import Layout
from tasks.plan import Plan, look_again, plan
from tasks.provenance import provenance
from tasks.targets import DemoTarget, ExpertTarget, FolderTarget, ManifestTarget, TextTarget
from tasks.terminal import bar, say
from tasks.weights import Weights

if TYPE_CHECKING:
    from extractors.fused import PassOptions, Wanted

RUN_ID = uuid.uuid4().hex[:8]

DATASET = "Name of a file in configs/datasets/, without .yaml"
MODEL = "Name of a file in configs/models/; by default the one that the dataset names"
EXPERTS = "Names of files in configs/experts/, with commas between; by default those of the model"
SEEDS = "Random seeds, with commas between, e.g. 0,1,2; by default those of the model"


class Paths(luigi.Config):
    """Section [Paths] of luigi.cfg: where things lie."""

    data = luigi.Parameter(default="data", description="Folder for videos, stores and results")
    configs = luigi.Parameter(default="configs", description="Folder with the YAMLs")

    @property
    def layout(self) -> Layout:
        """The folders below these two."""
        return Layout(Path(self.data), Path(self.configs), Weights().options(Path(self.data)))


class Partial(luigi.Config):
    """Typed as `--allow-partial`, with any task."""

    use_cmdline_section = False
    allow_partial = luigi.BoolParameter(description="Go on when videos or annotations of a known dataset are missing")


class Extraction(luigi.Config):
    """Section [Extraction] of luigi.cfg: speed and patience, nothing that changes a feature."""

    workers = luigi.IntParameter(default=0, description="Decode workers; 0 = one per core")
    deadline_s = luigi.FloatParameter(default=120.0, description="Seconds for one 32-second segment of a video")
    videos_per_part = luigi.IntParameter(default=64, description="Videos in a part: what a kill may cost")
    device = luigi.Parameter(default="auto", description="auto, cpu, cuda or cuda:<n>")

    @property
    def num_workers(self) -> int:
        """The setting, or one per core."""
        from pipeline.engine import num_workers

        return num_workers(self.workers)

    def options(self) -> "PassOptions":
        """What a pass over the videos is told, with the device and the workers that are there."""
        from extractors.device import resolve, share_cores
        from extractors.fused import PassOptions

        device = resolve(self.device)
        return PassOptions(share_cores(self.workers, device), self.deadline_s, self.videos_per_part, device)


class DatasetTask(luigi.Task):
    """A task on one dataset."""

    dataset = luigi.Parameter(description=DATASET)

    @property
    def plan(self) -> Plan:
        """What it depends on, where its result lies, and whether that is there."""
        return plan(Paths().layout, self.dataset, allow_partial=Partial().allow_partial)

    def closing(self) -> None:
        """What is said at the end of a run of this task."""

    @property
    def was_asked_for(self) -> bool:
        """Whether this is the task that was typed, not one that it needs."""
        parser = CmdlineParser.get_instance()
        return parser is not None and parser.get_task_obj() == self


class ModelTask(DatasetTask):
    """A task on one dataset with one model."""

    model = luigi.Parameter(default="", description=MODEL)
    experts = luigi.Parameter(default="", description=EXPERTS)

    @property
    def plan(self) -> Plan:
        """As for a DatasetTask, with the model and the experts that were chosen."""
        return plan(Paths().layout, self.dataset, self.model, self.experts, Partial().allow_partial)


@DatasetTask.event_handler(luigi.Event.DEPENDENCY_PRESENT)
def _tell_that_it_is_there(task: DatasetTask) -> None:
    if task.was_asked_for:
        say("Nothing to do: all of it is there, made from what is there now")
        task.closing()


@DatasetTask.event_handler(luigi.Event.SUCCESS)
def _tell_the_result(task: DatasetTask) -> None:
    if task.was_asked_for:
        task.closing()


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

    expert = luigi.Parameter(batch_method=lambda names: ",".join(sorted(names)), description="Name of an expert")
    # On a long-lived luigid, the same joined task formed again by a later process runs for ever (luigi 3.8.1); an id
    # of the process in its identity prevents that.
    worker_run = luigi.Parameter(
        default="", batch_method=lambda ids: RUN_ID, visibility=luigi.parameter.ParameterVisibility.HIDDEN
    )

    def requires(self) -> luigi.Task:
        """The list of the videos."""
        return BuildManifest(self.dataset)

    def output(self) -> list[ExpertTarget]:
        """For each expert: present when every video of the manifest has its row."""
        return [ExpertTarget(self.plan, name) for name in self.expert.split(",")]

    def run(self) -> None:
        """Decodes what any of them lacks; what an expert finished is kept when another one fails."""
        lacking = [target for target in self.output() if not target.exists()]
        extracted = [target.name for target in lacking if not target.is_imported]
        if extracted:
            self._extract(self.plan.wanted(extracted))
        for target in lacking:
            if target.is_imported:
                self.plan.complete_import(target.name)
            target.refuse_too_many_failures()

    def _extract(self, wanted: "list[Wanted]") -> None:
        from extractors.fused import extract

        self.plan.ensure_weights(item.expert.extractor for item in wanted)
        for item in wanted:
            store.write_recipe(item.folder, item.expert.recipe, provenance())
        options, files = Extraction().options(), self.plan.files()
        tell_work(wanted, files, options, self.plan.layout.store)
        with bar("Extracting", "video") as progress:
            errors = extract(wanted, files, options, progress)
        if errors:
            raise ExceptionGroup("experts that failed; the others are kept", list(errors.values()))


class EncodeText(ModelTask):
    """Turns the captions of a dataset into token vectors, by the text encoder of the model."""

    def requires(self) -> luigi.Task:
        """The captions are in the manifest."""
        return BuildManifest(self.dataset)

    def output(self) -> TextTarget:
        """Present when every caption has its row."""
        return TextTarget(self.plan)

    def run(self) -> None:
        """Encodes the captions that lack a row."""
        from extractors.device import resolve
        from extractors.texts import encode

        self.plan.ensure_weights([self.plan.text.encoder])
        folder = self.plan.layout.text(self.plan.text)
        store.write_recipe(folder, self.plan.text.recipe, provenance())
        with bar("Encoding the captions", "caption") as progress:
            encode(self.plan.text, self.plan.missing_captions() or [], folder, resolve(Extraction().device), progress)


class TrainCE(ModelTask):
    """Trains the model on the training split with one seed, choosing the epoch by the validation split."""

    seed = luigi.IntParameter(description="Random seed")

    def requires(self) -> Iterator[luigi.Task]:
        """The features of all its experts, the token vectors of the captions, and the models that it learns from."""
        yield from (ExtractExpert(self.dataset, name) for name in self.plan.expert_names)
        yield EncodeText(self.dataset, self.model, self.experts)
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

    def requires(self) -> Iterator[luigi.Task]:
        """A trained model for each seed."""
        for seed in self.plan.seeds(self.seeds):
            yield TrainCE(self.dataset, self.model, self.experts, seed)

    def output(self) -> FolderTarget:
        """Present when the report on exactly these runs is written."""
        return FolderTarget(self.plan.evaluate_folder(self.plan.seeds(self.seeds), self.split))

    def run(self) -> None:
        """Scores the split with each seed and writes report.json, report.html and ranks.csv."""
        if self.complete():
            return  # as in TrainCE
        from models.stages import evaluate_seeds
        from pipeline.report import write_report

        folder = self.output().need()
        seeds = self.plan.seeds(self.seeds)
        runs = {seed: TrainCE(self.dataset, self.model, self.experts, seed).output().need() for seed in seeds}
        report = evaluate_seeds(self.plan.sources(), self.plan.model, runs, self.split)
        write_report(folder, report | self.plan.report_facts())
        store.write_recipe(folder, self.plan.evaluate_recipe(seeds, self.split) or {}, provenance())

    def closing(self) -> None:
        """Prints the tables and where the report lies."""
        from tasks.tables import print_report

        print_report(self.output().need())
