"""What a result depends on, where it lies, and whether it is there: recipes chained into fingerprints.

Luigi asks only whether a task's own output is there. So the name of every output holds the fingerprints of all that it
was made from: a change upstream changes the name, and the output is then missing.
"""

import functools
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractors import registry
from extractors.registry import NamedExpert, NamedText
from models import config as model_config
from models.config import ExpertInput, ModelConfig
from pipeline import annotations, manifest, store, weights
from pipeline.annotations import Caption, DatasetConfig
from pipeline.demo import DemoSettings
from pipeline.errors import ConfigError, PipelineError
from pipeline.fingerprint import Recipe, fingerprint
from pipeline.imports import fill_absent, origin_of, row_key
from pipeline.manifest import Manifest, Video
from pipeline.missing import has_videos, is_imported
from pipeline.store import Row
from tasks.layout import Layout

if TYPE_CHECKING:
    from extractors.base import Extractor, TextEncoder
    from extractors.fused import Wanted
    from models.inputs import Sources

Progress = Callable[[int, int], None]

TRAIN_VERSION = 1
EVALUATE_VERSION = 2
"""Raised by hand when the code of training or of evaluation changes their results."""


@dataclass(frozen=True)
class ExpertState:
    """What the store of an expert lacks of a dataset; rows are named by content, imported ones by the video's name."""

    expert: NamedExpert
    folder: Path
    rows: dict[str, Row]
    """Of this dataset's videos only."""
    remaining: frozenset[str]
    """Keys of the rows that are not there yet."""

    @property
    def failed(self) -> list[Row]:
        """The videos on which it failed."""
        return [row for row in self.rows.values() if row.failed]


class Plan:
    """One dataset, one model, and the experts chosen for it; reads configs and indexes only, never an array."""

    def __init__(
        self, layout: Layout, dataset: str, model: str = "", experts: str = "", allow_partial: bool = False
    ) -> None:
        self.layout = layout
        self.dataset = dataset
        settings = annotations.load_dataset(dataset, layout.configs / "datasets")
        self.settings = replace(settings, allow_partial=settings.allow_partial or allow_partial)
        self.model_name = model or _default_model(self.settings)
        self._chosen = experts

    @functools.cached_property
    def model(self) -> ModelConfig:
        """The model's config."""
        return model_config.load(self.model_name, self.layout.configs / "models")

    @functools.cached_property
    def expert_names(self) -> tuple[str, ...]:
        """The experts that take part, sorted: those that were chosen, also beyond the model's list, or the model's."""
        chosen = tuple(sorted({name.strip() for name in self._chosen.split(",") if name.strip()}))
        return chosen or tuple(sorted(self.model.experts))

    @functools.cached_property
    def experts(self) -> list[NamedExpert]:
        """The experts that take part."""
        return [self.expert(name) for name in self.expert_names]

    @functools.cached_property
    def text(self) -> NamedText:
        """The model's text encoder."""
        return registry.text(self.model.text, self.layout.configs / "text", self.layout.weights)

    def seeds(self, chosen: str) -> tuple[int, ...]:
        """The seeds named on the command line, or those of the model."""
        try:
            seeds = tuple(int(seed) for seed in chosen.split(",") if seed.strip())
        except ValueError:
            raise ConfigError(f"--seeds {chosen}: expected whole numbers with commas between, e.g. 0,1,2") from None
        if len(set(seeds)) < len(seeds):
            raise ConfigError(f"--seeds {chosen}: names a seed twice")
        return seeds or self.model.training.seeds

    @property
    def demo_settings(self) -> DemoSettings:
        """How the demo is made; ConfigError for a dataset that is no demo."""
        if self.settings.demo is None:
            raise ConfigError(
                f"configs/datasets/{self.dataset}.yaml has no 'demo' block: its videos are found, not made"
            )
        return self.settings.demo

    @property
    def demo_folder(self) -> Path:
        """The demo's captions lie beside its folder of videos."""
        return Path(self.settings.videos).parent

    def expert(self, name: str) -> NamedExpert:
        """The expert called `name`."""
        return _expert(name, self.layout.configs / "experts", self.layout.weights)

    def ensure_weights(self, extractors: "Iterable[Extractor | TextEncoder]") -> None:
        """Fetches the files of weights that are not here; WeightsError that lists all that cannot be had."""
        weights.ensure(registry.weight_files(extractors), self.layout.weights)

    def manifest(self) -> Manifest | None:
        """The manifest of the dataset as it looks now, or None when it must be built first."""
        folder = self.layout.manifests(self.dataset)
        name = manifest.read_pointer(folder, _look(self.dataset, self.settings))
        return manifest.load(self.dataset, Path(self.settings.videos), folder, name) if name else None

    def folder_changes(self, before: Manifest) -> str:
        """What is new, changed or gone in the dataset's folder since `before`, in words."""
        changed = manifest.changes(before, self.settings, self.layout.cache)
        told = [f"{len(names)} {what} (e.g. {names[0]})" for what, names in changed.items() if names]
        return "; ".join(told) or "the captions or settings changed"

    def build_manifest(self, workers: int, deadline_s: float, progress: Progress) -> Manifest:
        """Looks into the dataset's folder as it is now, and saves what is found."""
        look_again(self.dataset)
        look = _look(self.dataset, self.settings)
        built = manifest.build(self.dataset, self.settings, self.layout.cache, workers, deadline_s, progress)
        folder = self.layout.manifests(self.dataset)
        manifest.save(built, folder)
        manifest.write_pointer(folder, look, built.fingerprint)
        return built

    def expert_state(self, expert: NamedExpert) -> ExpertState | None:
        """What is there and what is missing of an expert's features, or None when there is no manifest yet."""
        videos = self.manifest()
        if videos is None:
            return None
        folder = self.layout.features(expert)
        wanted = {self.row_key(expert, video) for video in videos.videos}
        rows = {key: row for key, row in store.rows(folder).items() if key in wanted}
        return ExpertState(expert, folder, rows, frozenset(wanted - rows.keys()))

    @property
    def collection(self) -> str:
        """What imported features of the dataset are filed under."""
        return self.settings.released.collection if self.settings.released else self.dataset

    def row_key(self, expert: NamedExpert, video: Video) -> str:
        """Names the row of a video in the store of the expert."""
        return row_key(self.collection, video.video_id) if expert.is_imported else video.content

    def complete_import(self, name: str) -> None:
        """Absent rows for videos that an imported expert knows nothing of; PipelineError when none was imported."""
        state = self.expert_state(self.expert(name))
        origin = origin_of(state.folder, self.collection) if state else None
        if state is None or origin is None or not origin.finished:
            raise PipelineError(
                f"expert {name} has no features of {self.collection}: luigi --module tasks ImportExperts --dataset "
                f"{self.dataset} gets and imports them (--archive FILE takes yours)"
            )
        fill_absent(state.folder, state.expert.extractor.dim, state.remaining)

    def wanted(self, names: Iterable[str]) -> "list[Wanted]":
        """For each expert the store to fill and the videos that it lacks."""
        from extractors.fused import Wanted

        states = [self.expert_state(self.expert(name)) for name in names]
        return [Wanted(state.expert, state.folder, state.remaining) for state in states if state]

    def files(self) -> list[tuple[Path, Video]]:
        """(file, video) of the dataset, in manifest order."""
        videos = self.manifest()
        return [(videos.path(video), video) for video in videos.videos] if videos else []

    def sources(self) -> "Sources":
        """Where training and evaluation find their inputs."""
        from models.inputs import Sources

        videos = self.manifest()
        if videos is None:
            raise PipelineError(f"{self.dataset}: no manifest; run BuildManifest --dataset {self.dataset}")
        inputs = tuple(
            ExpertInput(expert.name, expert.extractor.dim, **self._pooling(expert)) for expert in self.experts
        )
        stores = {expert.name: self.layout.features(expert) for expert in self.experts}
        text = self.model.text_input(self.text.encoder.dim)
        imported = {expert.name: self.collection for expert in self.experts if expert.is_imported}
        return Sources(videos, inputs, stores, text, self.layout.text(self.text), imported)

    def _pooling(self, expert: NamedExpert) -> dict[str, Any]:
        """As the expert's YAML has it, unless the model's says otherwise."""
        own = self.model.pools.get(expert.name)
        return {"pool": "vlad", **vars(own)} if own else dict(vars(expert.config.model))

    def too_many_failed(self, state: ExpertState) -> str:
        """Why a run must not go on with this expert, in words; empty when it may."""
        failed, total = len(state.failed), len(state.rows) + len(state.remaining)
        if failed <= self.settings.max_failed_fraction * total:
            return ""
        reasons = sorted({row.reason for row in state.failed})
        return (
            f"expert {state.expert.name} failed on {failed} of {total} videos of {self.dataset}, e.g.: {reasons[0]}; "
            f"at most {self.settings.max_failed_fraction:.0%} may. Mend or remove the files (luigi --module tasks "
            f"ForgetFailures --dataset {self.dataset} tries failed ones again), or raise max_failed_fraction in "
            f"configs/datasets/{self.dataset}.yaml"
        )

    def missing_captions(self) -> list[str] | None:
        """The captions without token vectors, each text once, or None when there is no manifest yet."""
        videos = self.manifest()
        if videos is None:
            return None
        have = store.rows(self.layout.text(self.text))
        texts = dict.fromkeys(caption.text for video in videos.videos for caption in video.captions)
        return [text for text in texts if Caption(text).key not in have]

    def train_recipe(self, seed: int) -> Recipe | None:
        """All that decides a trained model, or None while something that it is made from is not there."""
        videos = self.manifest()
        states = [self.expert_state(expert) for expert in self.experts]
        taught = {teacher.model_name: teacher.train_recipe(seed) for teacher in self.teachers}
        if videos is None or any(state is None or state.remaining for state in states) or None in taught.values():
            return None
        return {
            "stage": "train",
            "version": TRAIN_VERSION,
            "manifest": videos.fingerprint,
            "experts": {expert.name: fingerprint(expert.recipe) for expert in self.experts},
            "failed": {state.expert.name: _digest(row.key for row in state.failed) for state in states if state},
            "pooling": {expert.name: self._pooling(expert) for expert in self.experts},
            "text": fingerprint(self.text.recipe),
            "model": model_config.recipe(self.model) | {"experts": list(self.expert_names)},
            "seed": seed,
            "teachers": {name: fingerprint(recipe) for name, recipe in taught.items() if recipe},
        } | self._imports()

    @functools.cached_property
    def teachers(self) -> "list[Plan]":
        """The plans of the models that this one learns from, on the same dataset with all their experts."""
        names = self.model.training.teachers
        plans = [plan(self.layout, self.dataset, name, "", self.settings.allow_partial) for name in names]
        for teacher in plans:
            if teacher.model.training.teachers:
                raise ConfigError(f"configs/models/{teacher.model_name}.yaml is a teacher, and so may not have any")
        return plans

    def _imports(self) -> Recipe:
        """Which archives the imported features came from; empty when all were extracted here."""
        folders = {expert.name: self.layout.features(expert) for expert in self.experts if expert.is_imported}
        origins = {name: origin_of(folder, self.collection) for name, folder in folders.items()}
        return {"imported": {name: one.digest for name, one in origins.items() if one}} if origins else {}

    def train_folder(self, seed: int) -> Path | None:
        """Where the run of one seed lies, or None while its recipe is not known."""
        recipe = self.train_recipe(seed)
        return None if recipe is None else self.result_folder("runs", recipe)

    def evaluate_recipe(self, seeds: Sequence[int], split: str) -> Recipe | None:
        """All that decides a report, or None while something that it is made from is not there."""
        runs = [self.train_recipe(seed) for seed in seeds]
        if any(run is None for run in runs):
            return None
        return {
            "stage": "evaluate",
            "version": EVALUATE_VERSION,
            "split": split,
            "train": {str(seed): fingerprint(run) for seed, run in zip(seeds, runs, strict=True) if run},
        }

    def report_facts(self) -> dict[str, Any]:
        """What the report says of the data: the experts, what they found, what failed and why."""
        videos = self.manifest()
        coverage, failures = {}, []
        for expert in self.experts:
            ids: dict[str, list[str]] = {}
            for video in videos.videos if videos else ():
                ids.setdefault(self.row_key(expert, video), []).append(video.video_id)
            state = self.expert_state(expert)
            rows = list(state.rows.values()) if state else []
            coverage[expert.name] = {
                "modality": expert.config.modality,
                "present": sum(row.count > 0 for row in rows),
                "absent": sum(row.count == 0 and not row.failed for row in rows),
                "failed": sum(row.failed for row in rows),
            }
            failures += [
                {"video": video_id, "expert": expert.name, "reason": row.reason}
                for row in rows
                if row.failed
                for video_id in ids[row.key]
            ]
        facts = {"dataset": self.dataset, "model": self.model_name, "experts": coverage, "failures": failures}
        recipes = {expert.name: expert.recipe for expert in self.experts} | {self.text.name: self.text.recipe}
        facts["seeded"] = [name for name, recipe in recipes.items() if registry.is_seeded(recipe)]
        return facts | ({"partial": list(videos.warnings)} if videos and videos.warnings else {})

    def evaluate_folder(self, seeds: Sequence[int], split: str) -> Path | None:
        """Where a report lies, or None while its recipe is not known."""
        recipe = self.evaluate_recipe(seeds, split)
        return None if recipe is None else self.result_folder("reports", recipe)

    def result_folder(self, kind: str, recipe: Recipe) -> Path:
        """Where the run or the report with this recipe lies."""
        return self.results(kind) / fingerprint(recipe)

    def results(self, kind: str) -> Path:
        """Where the runs or the reports of this dataset and model lie."""
        return self.layout.store / kind / self.dataset / self.model_name


@functools.lru_cache(maxsize=64)
def plan(layout: Layout, dataset: str, model: str = "", experts: str = "", allow_partial: bool = False) -> Plan:
    """The plan of a run, read once a process: what the configs say is frozen before the work starts."""
    return Plan(layout, dataset, model, experts, allow_partial)


def _default_model(settings: DatasetConfig) -> str:
    """The dataset's own; with released features and no videos the one that is made for those."""
    if settings.released and is_imported(settings) and not has_videos(settings):
        return settings.released.model
    return settings.model


_expert = functools.lru_cache(maxsize=256)(registry.expert)

_looks: dict[str, str] = {}


def _look(dataset: str, settings: DatasetConfig) -> str:
    """How the dataset's folder looks from outside; looked at once until `look_again`."""
    if dataset not in _looks:
        if not Path(settings.videos).is_dir() and settings.demo:
            return "not-made-yet"
        _looks[dataset] = manifest.scan_digest(dataset, settings)
    return _looks[dataset]


def look_again(dataset: str) -> None:
    """The folder has changed, or may have."""
    _looks.pop(dataset, None)


def _digest(keys: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()[:12]
