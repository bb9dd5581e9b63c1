"""Recipes and folders of the results of a run.

Luigi asks only whether a task's own output is there. So a recipe holds the fingerprints of the recipes of its inputs,
and the folder of a result is named by its recipe's fingerprint: a change upstream changes the name, and the output is
then missing.
"""

import functools
import hashlib
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractors.registry import NamedExpert, NamedText
from models import config as model_config
from models.fusion import version as fusion_version
from models.network_inputs import ExpertInput
from pipeline.datasets import near_duplicates
from pipeline.errors import ConfigError, PipelineError
from pipeline.stores.fingerprint import Recipe, fingerprint, fingerprint_of_long
from tasks.plan.inventory import Inventory
from tasks.plan.label_words import LabelWordsPlan
from tasks.plan.layout import Layout
from tasks.plan.notes import shown_notes
from tasks.plan.selection import Selection, is_unknown
from tasks.plan.towers import TowersPlan

if TYPE_CHECKING:
    from models.inputs.load import Sources

TRAIN_VERSION = 4
EVALUATE_VERSION = 5
"""Raised by hand when the code of training or of evaluation changes their results."""


class Plan:
    """Plan of a run: its selection, its inventory, and the recipe and the folder of each result.

    A recipe, and so a folder, is None while one of its inputs is missing: its fingerprint is then not known.
    """

    def __init__(self, selection: Selection) -> None:
        self.selection = selection
        self.inventory = Inventory(selection)
        self._notes: tuple[tuple[object, ...], str] | None = None
        """Manifest and rows of which the digest of all notes is known, and the digest."""

    @property
    def store(self) -> Path:
        """Folder of all computed results."""
        return self.selection.layout.store

    def sources(self) -> "Sources":
        """Where training and evaluation find their inputs; PipelineError before the manifest is built."""
        from models.inputs.load import Sources

        selection, layout = self.selection, self.selection.layout
        videos = self.inventory.manifest()
        if videos is None:
            dataset = selection.dataset
            raise PipelineError(f"{dataset}: no manifest; run BuildManifest --dataset {dataset}")
        stores = {expert.name: layout.features(expert) for expert in selection.experts}
        text = selection.model.text_input(selection.text.encoder.dim)
        imported = {expert.name: selection.collection for expert in selection.experts if expert.is_imported}
        folder, towers, tokens = layout.text(selection.text), self.towers.sources(), self.towers.token_sources()
        has_rest = selection.settings.gallery == "all"
        return Sources(
            videos, self.expert_inputs(), stores, text, folder, imported, towers, has_rest=has_rest, tokens=tokens
        )

    def expert_inputs(self) -> tuple[ExpertInput, ...]:
        """For each expert: its name, its dimension and how the model pools it."""
        return tuple(
            ExpertInput(expert.name, expert.extractor.dim, **self._pooling(expert)) for expert in self.selection.experts
        )

    def _pooling(self, expert: NamedExpert) -> dict[str, Any]:
        """Pooling of an expert: that of the expert's YAML, unless the model's YAML has one."""
        pool = self.selection.model.pools.get(expert.name)
        return {"pool": "vlad", **vars(pool)} if pool else dict(vars(expert.config.model))

    @functools.cached_property
    def label_words(self) -> LabelWordsPlan:
        """What a report compares the trained model with, where its experts keep labels."""
        return LabelWordsPlan(self.selection, has_model=True)

    @functools.cached_property
    def towers(self) -> TowersPlan:
        """The same for its experts that are aligned with text."""
        return TowersPlan(self.selection)

    @property
    def texts(self) -> list[NamedText]:
        """All text encoders that read captions: the model's, that of label words, and text towers; each once."""
        words, named = self.label_words, [self.selection.text]
        named += [words.text] if words.is_on else []
        named += [*self.towers.texts.values(), *self.towers.tokens.values()]
        return list({text.name: text for text in named}.values())

    @functools.cached_property
    def teachers(self) -> "list[Plan]":
        """Plans of the models that this one is distilled from, on the same dataset with all their experts."""
        selection = self.selection
        plans = [
            load_plan(selection.layout, selection.dataset, name, "", selection.settings.allow_partial)
            for name in selection.model.training.teachers
        ]
        for teacher in (plan.selection for plan in plans):
            if teacher.model.training.teachers:
                raise ConfigError(f"configs/models/{teacher.model_name}.yaml is a teacher, and so may not have any")
            if teacher.model.architecture.is_aligned:
                raise ConfigError(
                    f"configs/models/{teacher.model_name}.yaml is a teacher, and so needs architecture.head: learned"
                )
        return plans

    @property
    def is_unknown(self) -> bool:
        """Whether a recipe of the model or of a teacher is unknown: see `selection.is_unknown`."""
        selections = [plan.selection for plan in (self, *self.teachers)]
        return any(is_unknown(expert) for each in selections for expert in each.experts) or any(
            is_unknown(each.text) for each in selections
        )

    def train_recipe(self, seed: int) -> Recipe | None:
        """All that decides a trained model."""
        selection, videos = self.selection, self.inventory.manifest()
        states = [self.inventory.expert_state(expert) for expert in selection.experts]
        teachers = {teacher.selection.model_name: teacher.train_recipe(seed) for teacher in self.teachers}
        if videos is None or any(state is None or state.remaining for state in states) or None in teachers.values():
            return None
        return {
            "stage": "train",
            "version": TRAIN_VERSION,
            "manifest": videos.fingerprint,
            "experts": {expert.name: fingerprint(expert.recipe) for expert in selection.experts},
            "failed": {state.expert.name: _digest(row.key for row in state.failed) for state in states if state},
            "pooling": {expert.name: self._pooling(expert) for expert in selection.experts},
            "text": fingerprint(selection.text.recipe),
            "model": model_config.recipe(selection.model) | {"experts": list(selection.expert_names)},
            "seed": seed,
            "teachers": {name: fingerprint(recipe) for name, recipe in teachers.items() if recipe},
            **(self.aligned_recipe() if selection.model.architecture.is_aligned else {}),
            **({"start": fusion_version.START} if selection.model.architecture.head == "residual" else {}),
        } | self.import_recipe()

    def import_recipe(self) -> Recipe:
        """{"imported": expert -> digest of the files that were imported}; empty where no expert is imported."""
        selection = self.selection
        folders = {expert.name: selection.layout.features(expert) for expert in selection.experts if expert.is_imported}
        origins = {name: self.inventory.origin(folder) for name, folder in folders.items()}
        return {"imported": {name: origin.digest for name, origin in origins.items() if origin}} if origins else {}

    def train_folder(self, seed: int) -> Path | None:
        """Folder of the training with this seed."""
        recipe = self.train_recipe(seed)
        return None if recipe is None else self.result_folder("runs", recipe)

    def evaluate_recipe(self, seeds: Sequence[int], split: str) -> Recipe | None:
        """All that decides a report."""
        runs = [self.train_recipe(seed) for seed in seeds]
        if any(run is None for run in runs):
            return None
        return {
            "stage": "evaluate",
            "version": EVALUATE_VERSION,
            "split": split,
            "train": {str(seed): fingerprint(run) for seed, run in zip(seeds, runs, strict=True) if run},
            **self.shown(),
            **self.reported(),
            **self._untrained_recipe(),
            **self.towers.late_recipe(),
            **({"selector": fusion_version.VERSION} if self.selection.model.selector else {}),
        }

    def _untrained_recipe(self) -> Recipe:
        """What decides the rows of a report that need no training; empty without any."""
        aligned = self.aligned_recipe()
        return aligned | {"start": fusion_version.START} if aligned else {}

    def aligned_recipe(self) -> Recipe:
        """What decides the scores without training: text towers and label words; empty without either."""
        return self.towers.recipe() | self.label_words.recipe()

    def reported(self) -> Recipe:
        """What the dataset's YAML asks of a report: its gallery, near-duplicates; empty where it is nothing special."""
        settings = self.selection.settings
        gallery, near = settings.gallery, settings.near_duplicates
        found: Recipe = {} if gallery == "captioned" else {"gallery": gallery}
        return found | ({"near_duplicates": {"version": near_duplicates.VERSION, **vars(near)}} if near else {})

    def shown(self) -> Recipe:
        """What a report says of its data that no recipe of a training holds: modalities; warnings and notes, if any."""
        videos = self.inventory.manifest()
        modalities = {expert.name: expert.config.modality for expert in self.selection.experts}
        warnings = list(videos.warnings) if videos else []
        notes = self._notes_digest()
        return {
            "modalities": modalities,
            **({"warnings": warnings} if warnings else {}),
            **({"notes": notes} if notes else {}),
        }

    def _notes_digest(self) -> str:
        """Fingerprint of all notes, empty where there is none; made once for each state of manifest and rows."""
        manifest, states = self.inventory.manifest(), map(self.inventory.expert_state, self.selection.experts)
        state = (manifest and manifest.videos, *(one and one.held for one in states))
        if self._notes is None or any(old is not new for old, new in zip(self._notes[0], state, strict=True)):
            notes = shown_notes(self.inventory)
            first = next(notes, None)
            digest = fingerprint_of_long({}, "notes", itertools.chain([first], notes)) if first else ""
            self._notes = state, digest
        return self._notes[1]

    def evaluate_folder(self, seeds: Sequence[int], split: str) -> Path | None:
        """Folder of a report."""
        recipe = self.evaluate_recipe(seeds, split)
        return None if recipe is None else self.result_folder("reports", recipe)

    def result_folder(self, kind: str, recipe: Recipe) -> Path:
        """Folder of the result with this recipe; `kind` is "runs", "reports", ..."""
        return self.results(kind) / fingerprint(recipe)

    def results(self, kind: str) -> Path:
        """Folder of all results of a kind, of this dataset and model."""
        return self.selection.layout.store / kind / self.selection.dataset / self.selection.model_name


@functools.lru_cache(maxsize=64)
def load_plan(layout: Layout, dataset: str, model: str = "", experts: str = "", allow_partial: bool = False) -> Plan:
    """The plan of a run, made once per process: an edit of a config does not change a run that has begun."""
    return Plan(Selection(layout, dataset, model, experts, allow_partial))


def _digest(keys: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()[:12]
