"""Tasks that build the search index of a dataset, and answer a query on it."""

from collections.abc import Iterator

import luigi

from pipeline.errors import ConfigError
from tasks.console.terminal import say, tell
from tasks.dataset_task import ModelTask, RunsEachTime, remakes_damaged
from tasks.extraction import EncodeLabels, extraction
from tasks.parameters import json_parameter
from tasks.plan.index_plan import IndexPlan
from tasks.plan.plan import Plan, load_plan
from tasks.plan.settings import Partial, Paths
from tasks.plan.targets import IndexTarget
from tasks.training import TrainCE

UNTRAINED_HELP = "Without a model: what can be read, heard or recognised is searched"
TRAINED_ON_HELP = "Another dataset, whose trained model is searched with; for videos without captions"


class IndexTask(ModelTask):
    """A task on the index of a dataset."""

    untrained = luigi.BoolParameter(description=UNTRAINED_HELP)
    trained_on = luigi.Parameter(default="", description=TRAINED_ON_HELP)

    @property
    def index_plan(self) -> IndexPlan:
        """Plan of the index that the options ask for."""
        layout, allow_partial = Paths().layout, Partial().allow_partial
        trained = load_plan(layout, self.trained_on or self.dataset, self.model, self.experts, allow_partial)
        return IndexPlan(trained, self.dataset if self.trained_on else "", self.untrained)

    @property
    def plan(self) -> Plan:
        """Plan of the dataset that is searched, with the model and the experts of the one that was trained on."""
        return self.index_plan.searched


class BuildIndex(IndexTask):
    """Writes what a search reads: the words in the videos, and the videos as the trained experts see them.

    A model that was trained on another dataset stays the same when videos are added to this one, and then only these
    are new to the index. What a dataset is trained on is part of its model: a caption more, and all is trained anew.
    """

    def requires(self) -> Iterator[luigi.Task]:
        """The trained model, the features of the dataset that is searched, and the vectors of label words."""
        index = self.index_plan
        if index.seed is not None:
            yield TrainCE(index.trained.selection.dataset, self.model, self.experts, index.seed)
        if index.seed is None or index.trained_elsewhere:
            yield from extraction(self.dataset, index.searched.selection.expert_names)
        if index.label_words.is_on:
            selection = index.searched.selection
            yield EncodeLabels(self.dataset, selection.model_name, ",".join(index.label_words.classifiers))

    def output(self) -> IndexTarget:
        """Complete when the index of exactly these inputs is written, and is the current one."""
        return IndexTarget(self.index_plan.folder, self.plan.store)

    @remakes_damaged
    def run(self) -> None:
        """Writes the index unless it is there already, and makes it the current one."""
        from search.building.build import build_index

        target, index = self.output(), self.index_plan
        if not target.is_written():
            recipe, finish = index.recipe() or {}, index.fit_selector
            built = build_index(index.ingredients(), index.settings, target.require(), recipe, finish)
            if index.seed is not None and built.num_embedded < built.num_videos:
                say(f"{built.num_embedded} of {built.num_videos} videos are new; the vectors of the others are kept")
        target.publish()

    def print_result(self) -> None:
        """Prints the path of the index and the commands that search it."""
        tell(f"Index: {self.output().require()}")
        say(f"Search: luigi --module tasks Search --dataset {self.dataset}{self._options} --query \"...\", or in a "
            f"browser: python -m search --dataset {self.dataset}")  # fmt: skip
        if note := self.index_plan.label_words.lacks:
            say(f"Note: {note}")

    @property
    def _options(self) -> str:
        """The options with which Search asks this index, and does not build another one."""
        typed = {"--model": self.model, "--experts": self.experts, "--trained-on": self.trained_on}
        options = "".join(f" {name} {value}" for name, value in typed.items() if value)
        return options + (" --untrained" if self.untrained else "")


class Search(RunsEachTime, IndexTask):
    """Prints the ten best videos for a query.

    With --json: {dataset, query, hits, reason, notes, offset, num_found, num_ranked, is_counted, engine_weights
    {engine: number}, is_by_query}; is_by_query says whether a selector read the weights from what the engines found.
    Each hit has rank, video_id, path, file (below the folder of the videos), start_s and end_s in that file, best_s and
    duration_s, found_by {engine: {rank, score}}, similarity (null without a model), shares {expert: number or null},
    words and seen with their times, captions, key, playable and score. All other times count from start_s, which is 0
    but for a clip. The reason says why there is no hit.
    """

    keeps_log = False

    query = luigi.Parameter(description="What to look for, in words")
    second_stage = luigi.Parameter(
        default="",
        description="How the best are put in order: none or late_interaction; by default as search.yaml says",
    )
    json = json_parameter()

    def requires(self) -> luigi.Task:
        """The index."""
        return BuildIndex(self.dataset, self.model, self.experts, self.untrained, self.trained_on)

    @remakes_damaged
    def run(self) -> None:
        """Searches, and prints the hits."""
        from pipeline.running.cpu import on_one_thread
        from search import Collection, Options
        from tasks.console.search_results import print_answer, print_answer_as_json

        if not self.query.strip():
            raise ConfigError('--query is empty: say what to look for, e.g. --query "a man cooks pasta"')
        layout = self.plan.selection.layout
        with on_one_thread():
            collection = Collection.open(self.dataset, layout.data, layout.configs, layout.weights, layout.stored)
            answer = collection.search(self.query, options=Options(second_stage=self.second_stage))
        if self.json:
            print_answer_as_json(self.dataset, answer)
        else:
            print_answer(answer)
        self.has_run = True
