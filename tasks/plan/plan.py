"""What a result depends on, and where it lies: recipes chained into fingerprints.

Luigi asks only whether a task's own output is there. So the name of every output holds the fingerprints of all that it
was made from: a change upstream changes the name, and the output is then missing.
"""

import functools
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractors.registry import NamedExpert
from models import config as model_config
from models.network_inputs import ExpertInput
from pipeline.errors import ConfigError, PipelineError
from pipeline.released.feature_import import origin_of
from pipeline.stores.fingerprint import Recipe, fingerprint
from tasks.plan.data_summary import data_summary
from tasks.plan.inventory import Inventory
from tasks.plan.layout import Layout

if TYPE_CHECKING:
    from models.inputs.load import Sources

TRAIN_VERSION = 1
EVALUATE_VERSION = 2
"""Raised by hand when the code of training or of evaluation changes their results."""


class Plan(Inventory):
    """One dataset, one model, the experts chosen for it, what is there of them, and what comes of them."""

    def sources(self) -> "Sources":
        """Where training and evaluation find their inputs."""
        from models.inputs.load import Sources

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
        } | self.imports()

    @functools.cached_property
    def teachers(self) -> "list[Plan]":
        """The plans of the models that this one learns from, on the same dataset with all their experts."""
        names = self.model.training.teachers
        plans = [plan(self.layout, self.dataset, name, "", self.settings.allow_partial) for name in names]
        for teacher in plans:
            if teacher.model.training.teachers:
                raise ConfigError(f"configs/models/{teacher.model_name}.yaml is a teacher, and so may not have any")
        return plans

    def imports(self) -> Recipe:
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

    def data_summary(self) -> dict[str, Any]:
        """What a report says of the data."""
        return data_summary(self)


@functools.lru_cache(maxsize=64)
def plan(layout: Layout, dataset: str, model: str = "", experts: str = "", allow_partial: bool = False) -> Plan:
    """The plan of a run, read once a process: what the configs say is frozen before the work starts."""
    return Plan(layout, dataset, model, experts, allow_partial)


def _digest(keys: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()[:12]
