"""Opens the index that BuildIndex wrote for a dataset, and answers queries."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import extractors
from pipeline import project
from pipeline.config import nearest
from pipeline.datasets.annotations import load_dataset
from pipeline.errors import ConfigError, PipelineError
from pipeline.project import Project
from pipeline.remote_files.places import folder_of
from pipeline.stores import places
from pipeline.weights.files import WeightOptions
from search import asked, config, filters
from search.config import LATE_INTERACTION, SearchConfig
from search.engines import frames, minus
from search.engines.example_experts import ExampleExperts
from search.engines.examples import Examples
from search.engines.experts import Experts
from search.engines.frames import Frames
from search.engines.fulltext import FullText, Matches
from search.engines.fusion import Ranking, count, of_matches
from search.engines.label_words import LabelSearch
from search.engines.labels import FILE, Labels
from search.engines.late_interaction import LateInteraction, refine
from search.engines.minus import SplitQuery
from search.engines.text_encoders import TextEncoders
from search.engines.towers import weighted
from search.engines.weighing import Weigher
from search.filters import Options
from search.hits import Describer
from search.index import folder, video_path
from search.index.vectors import TINY, Query
from search.index.videos import Entry, Videos
from search.people.people import People
from search.results import CE, FRAMES, LABEL_WORDS, LABELS, PEOPLE, SIMILAR, WORDS, Answer
from search.sought import Sought


class Collection:
    """The searchable videos of one dataset."""

    def __init__(self, path: Path, root: Path, settings: SearchConfig, weights: WeightOptions) -> None:
        self.facts, self.settings = folder.read_facts(places.fetched(path)), settings
        self.folder = path
        """Folder of the index."""
        self.root = root
        """Folder of the videos."""
        self.videos = Videos(path, tuple(self.facts.seen))
        self.words = FullText(path / "words.sqlite", settings.stop_words)
        has_labels, floor = bool(self.facts.labelled), settings.floors.labels
        self.labels = Labels(path / FILE, settings.stop_words, floor) if has_labels else None
        """What classifiers saw; None where no expert keeps labels."""
        self.experts = Experts(path, self.facts, weights) if self.facts.is_trained else None
        encoders = TextEncoders(path, self.facts, weights)
        self.frames = [Frames(path, expert, encoders) for expert in self.facts.towers]
        self.late = [LateInteraction(path, expert, encoders) for expert in self.facts.late]
        self.examples = Examples(path, self.facts)
        self.people = People(path, self.facts)
        self.example_experts = ExampleExperts(path, self.facts, weights)
        self.label_words = LabelSearch.open(path, encoders, settings) if self.facts.sentences else None
        found_in = (self.videos, self.words, self.labels, self.experts, self.label_words)
        self.weigher = Weigher.open(path, settings)
        self.describer = Describer(root, *found_in, settings)

    @classmethod
    def open(
        cls,
        dataset: str,
        data: Path | str | None = None,
        configs: Path | str | None = None,
        weights: WeightOptions | None = None,
        store: str | None = None,
    ) -> "Collection":
        """The collection of `dataset`, from its index below `data`; raises PipelineError if there is none.

        By default the folders and where weights are come from the project folder, which is looked for upwards from the
        current one. Where the videos are is read from the YAML of the dataset.
        """
        place = project.load(data=data, configs=configs, store=store)
        return cls.of_project(place if weights is None else replace(place, weights=weights), dataset)

    @classmethod
    def of_project(cls, place: Project, dataset: str) -> "Collection":
        """As `open`, in a project."""
        extractors.add_own(place.folder)  # a text encoder may be one of them
        parent = place.store / "index" / dataset
        path = folder.current(parent)
        if path is None:
            built = sorted(one.parent.name for one in places.listed(parent.parent).glob(f"*/{folder.CURRENT}"))
            raise PipelineError(
                f"{dataset}: no index in {parent}{nearest(dataset, built)}; "
                f"make it: luigi --module tasks BuildIndex --dataset {dataset}"
            )
        root = folder_of(load_dataset(dataset, place.configs / "datasets").videos, place.data, project=place.folder)
        return cls(path, root, config.load(place.configs), place.weights)

    def row(self, video: str) -> int:
        """The row of the video with this key or id; raises ConfigError when there is none."""
        row = self.videos.row(video)
        if row is None:
            raise ConfigError(f"{self.facts.dataset}: no video {video!r} in the index")
        return row

    def entry(self, video: str) -> Entry:
        """The video with this key or id; raises ConfigError when there is none."""
        return self.videos[self.row(video)]

    def path(self, entry: Entry) -> Path:
        """Path of the video file, never outside of the folder of the videos; there need not be a file."""
        return video_path.path_of(self.root, entry.file)

    def search(self, query: str, k: int = 10, options: Options | None = None) -> Answer:
        """The `k` videos that match the text `query` best; `options` replace `k`."""
        options = options or Options(k)
        if not query.strip():
            return Answer(query, (), "Type what happens, what can be seen, read or heard.")
        filters.check(options, self.facts)
        is_refined = filters.second_stage(options, self.settings, self.facts) == LATE_INTERACTION
        question = asked.read(query, self.people)
        if question.reason:
            return Answer(query, (), question.reason)
        allowed = filters.allowed(options.only, self.videos, self.facts, self.labels)
        faces, notes = self.people.find(question.names), list[str]()
        if question.names:
            allowed &= np.isin(np.arange(len(allowed)), list(faces))
        asked.leave_out(question.text, self.words, options, allowed)
        sought, rankings = Sought("", options), dict[str, Ranking]()
        if question.text.wanted:
            sought, rankings = self._by_text(question.text, options, allowed, notes)
            sought = replace(sought, refined_by=question.text if is_refined else None)
        if question.names:
            counts = {row: float(len(seen)) for row, seen in faces.items() if allowed[row]}
            rankings[PEOPLE] = Ranking(dict(sorted(counts.items(), key=lambda one: (-one[1], one[0]))))
            sought = replace(sought, faces=faces)
        return self.answer(query, sought, rankings, allowed, notes)

    def rankings(self, text: str) -> dict[str, Ranking]:
        """What each engine finds for a text in the whole collection: engine -> ranking; without names of people."""
        return self._by_text(minus.split(text), Options(), np.ones(len(self.videos), np.bool_), [])[1]

    def _by_text(
        self, text: SplitQuery, options: Options, allowed: NDArray[np.bool_], notes: list[str]
    ) -> tuple[Sought, dict[str, Ranking]]:
        """What the engines find for a text among the `allowed` videos (V,); adds to `notes` which take no part."""
        query, num_videos = text.wanted, len(allowed)
        matches = self._matches(self.words, query, options, allowed)
        unlike = allowed.copy()
        for phrase in text.unwanted:
            unlike[list(self.labels.find(phrase, options.weights) if self.labels else ())] = False
        labels = self._matches(self.labels, query, options, unlike)
        found = {WORDS: matches, LABELS: labels}
        rankings = {engine: of_matches(of, num_videos) for engine, of in found.items() if of}
        embedded = None
        try:
            embedded = self.experts.query(query, options.weights, text.unwanted) if self.experts else None
        except PipelineError as error:
            notes.append(f"The trained experts take no part: {error}")
        seen = frames.find(
            weighted(self.frames, options.weights), text, allowed, self.settings.floors.frames_margin, notes
        )
        if seen is not None:
            rankings[FRAMES] = seen.ranking
        told = self.label_words.find(text, allowed, options.weights, notes) if self.label_words else None
        if told is not None:
            rankings[LABEL_WORDS] = told.ranking
        if embedded is not None and (ranking := self._expert_ranking(embedded, allowed)):
            rankings[CE] = ranking
        return Sought(query, options, matches, labels, embedded, seen, told), rankings

    def similar(self, video: str, k: int = 10, options: Options | None = None) -> Answer:
        """The `k` videos most similar to the one with this key or id; raises PipelineError without a trained model."""
        options = options or Options(k)
        row = self.row(video)
        filters.check_without_text(options, self.facts)
        allowed = filters.allowed(options.only, self.videos, self.facts, self.labels)
        allowed[row] = False
        if self.experts is None:
            raise PipelineError(
                "videos are compared by the trained experts, and there are none yet: luigi --module tasks BuildIndex "
                f"--dataset {self.facts.dataset} trains them"
            )
        embedded = self.experts.similar(row, options.weights)
        ranking = self.experts.scored(embedded, allowed).ranking(float(TINY), len(allowed))
        sought = Sought("", options, embedded=embedded)
        return self.answer(self.videos[row].video_id, sought, {SIMILAR: ranking}, allowed)

    def answer(
        self,
        query: str,
        sought: Sought,
        rankings: Mapping[str, Ranking],
        allowed: NDArray[np.bool_],
        notes: Sequence[str] = (),
    ) -> Answer:
        """The page that `sought.options` wants of the fused `rankings`; `query`: what it is called, `allowed`: (V,)."""
        # Who moves the sliders of the experts has weighed them.
        weighing = self.weigher.weigh(rankings, len(allowed), is_fixed=bool(sought.options.weights))
        told = list(notes)
        if sought.refined_by:
            late, candidates = weighted(self.late, sought.options.weights), self.settings.second_stage.candidates
            rankings, weighing = refine(late, sought.refined_by, rankings, weighing, candidates, told)
        hits, num_ranked = self.describer.page(sought, rankings, weighing.fusion)
        return Answer(
            query,
            hits,
            "" if num_ranked else self._why_nothing(allowed),
            tuple(told),
            offset=sought.options.offset,
            num_found=count(rankings, len(allowed)),
            num_ranked=num_ranked,
            is_counted=all(ranking.is_all for ranking in rankings.values()),
            engine_weights=weighing.fusion.weights,
            is_by_query=weighing.is_by_query,
        )

    def _matches(
        self, texts: FullText | Labels | None, query: str, options: Options, allowed: NDArray[np.bool_]
    ) -> Matches:
        found = texts.find(query, options.weights) if texts else Matches()
        floor = self.settings.floors.words
        kept = Matches({row: match for row, match in found.items() if allowed[row] and match.coverage >= floor})
        kept.is_all = found.is_all
        return kept

    def _expert_ranking(self, query: Query, allowed: NDArray[np.bool_]) -> Ranking | None:
        """The videos that the trained experts rank best; None when even the best score is below the floor."""
        assert self.experts is not None
        floors, scored = self.settings.floors, self.experts.scored(query, allowed)
        if scored.highest < self.experts.floor(floors.ce_percentile, floors.ce):
            return None
        return scored.ranking(scored.highest * floors.ce_keep, len(allowed))

    def _why_nothing(self, allowed: NDArray[np.bool_]) -> str:
        if not allowed.any():
            return "No video passes the filters."
        if self.experts is None and not self.frames and self.label_words is None:
            how = "read, heard or seen" if self.labels else "read or heard"
            return f"None of these words can be {how} in any video. No model is trained yet to look further."
        return "Nothing in this collection is a good match."
