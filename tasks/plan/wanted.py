"""Whether a result is still wanted, judged by its own recipe: is all that it names still what configs and folders give?

A result is unwanted only when something that its recipe names has changed or is gone. It does not matter whether a
shipped config would make it: a run with --experts, --seeds or --model is as good as any other. What cannot be told,
e.g. while a disk is not mounted, counts as wanted, and `Judge.notes` says so.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from extractors import registry
from models import config as model_config
from pipeline import config
from pipeline.datasets import annotations
from pipeline.datasets.availability import is_imported
from pipeline.datasets.video_files import find_videos
from pipeline.errors import PipelineError
from pipeline.reports.report import read_report
from pipeline.stores import atomic, recipes
from pipeline.stores.fingerprint import Recipe, fingerprint
from search import config as search_config
from search.index import folder as index_folder
from tasks.plan import label_words
from tasks.plan.layout import Layout
from tasks.plan.plan import EVALUATE_VERSION, Plan, load_plan
from tasks.plan.selection import is_unknown


class _CannotTellError(PipelineError):
    """Nobody can tell whether a result is wanted; the message says why."""


class Judge:
    """Judges the results of one store by the configs and folders as they are now."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._notes: dict[str, int] = {}
        self._known: dict[tuple[object, ...], Any] = {}
        self._kinds = {
            "features": lambda path: self._is_recipe_of("experts", path.parent.name, path.name),
            "text": lambda path: self._is_recipe_of("text", path.parent.name, path.name),
            "manifests": lambda path: path.name in self._manifests(path.parent.name),
            "runs": self._run,
            "reports": self._report,
            "ablations": self._summary,
            "comparisons": self._summary,
            "index": self._index,
        }

    @property
    def notes(self) -> list[str]:
        """Why results are kept of which nobody can tell whether they are wanted, with their number."""
        return [f"{count} kept: {why}" for why, count in self._notes.items()]

    def is_wanted(self, path: Path) -> bool:
        """Whether a folder in the store is wanted, or cannot be told apart from one that is."""
        kind = path.relative_to(self._layout.store).parts[0]
        try:
            return bool(self._once(("wanted", path), lambda: self._kinds[kind](path)))
        except (PipelineError, OSError, KeyError, TypeError, ValueError) as error:
            why = str(error) if isinstance(error, PipelineError) else f"{path.parent}: cannot be judged ({error!r})"
            self._notes[why] = self._notes.get(why, 0) + 1
            return True

    def _once(self, key: tuple[object, ...], judge: Callable[[], Any]) -> Any:
        """The value or the error of `judge`, which is called once for each key."""
        if key not in self._known:
            try:
                self._known[key] = judge()
            except PipelineError as error:
                self._known[key] = error
        value = self._known[key]
        if isinstance(value, PipelineError):
            raise value
        return value

    def _variants(self) -> tuple[Layout, ...]:
        """The layout with real weights and with stand-ins: features of one kind are kept while the other is in use."""
        weights = self._layout.weights
        both = (dataclasses.replace(weights, seeded=seeded) for seeded in (False, True))
        return tuple(dataclasses.replace(self._layout, weights=one) for one in both)

    def _is_recipe_of(self, kind: str, name: str, one: str) -> bool:
        """Whether the fingerprint `one` is of an expert or a text encoder; _CannotTellError while it may be."""
        found = self._fingerprints(kind, name)
        if None in found and one not in found:
            raise _CannotTellError(f"recipe of {kind}/{name} unknown without its weights, which were never here")
        return one in found

    def _fingerprints(self, kind: str, name: str) -> list[str | None]:
        """Fingerprints of an expert or a text encoder with real weights and with stand-ins; empty without a YAML.

        None where the content of weights is part of the recipe, and is not known.
        """

        def find() -> list[str | None]:
            folder = self._layout.configs / kind
            if not config.find(folder / f"{registry.tower_of(name)}.yaml").is_file():
                self._refuse_other_configs()
                return []
            make: Callable[..., Any] = registry.expert if kind == "experts" else registry.text
            named = [make(name, folder, layout.weights) for layout in self._variants()]
            return [None if is_unknown(one) else fingerprint(one.recipe) for one in named]

        found: list[str | None] = self._once((kind, name), find)
        return found

    def _refuse_other_configs(self) -> None:
        """_CannotTellError where the configs lack a dataset of the store: they may not be those that made it."""
        configs = self._layout.configs
        folders = (path for path in self._layout.store.glob("manifests/*") if path.is_dir())
        datasets = {annotations.cut_dataset(path.name) for path in folders}
        unknown = sorted(datasets - set(config.names(configs / "datasets")))
        if unknown:
            raise _CannotTellError(
                f"{configs} has no datasets/{unknown[0]}.yaml, so it may not be the folder that these results were "
                "made with"
            )

    def _manifests(self, dataset: str) -> dict[str, bool]:
        """Fingerprints of the manifests of the dataset's folder as it is now -> whether made with --allow-partial."""
        found: dict[str, bool] = self._once(("manifests", dataset), lambda: self._find_manifests(dataset))
        return found

    def _find_manifests(self, dataset: str) -> dict[str, bool]:
        configs = self._layout.configs
        if not config.find(configs / "datasets" / f"{annotations.cut_dataset(dataset)}.yaml").is_file():
            raise _CannotTellError(f"{configs / 'datasets' / dataset}.yaml is not there; results of {dataset}")
        settings = annotations.load_dataset(dataset, configs / "datasets")
        videos = self._layout.videos(settings.videos)
        if not videos.is_dir() and not is_imported(settings):
            raise _CannotTellError(f"{videos} is not there (a disk that is not mounted?); results of {dataset}")
        partial = (False, True) if settings.annotations else (False,)
        plans = {allowed: load_plan(self._layout, dataset, allow_partial=allowed) for allowed in partial}
        found = {allowed: plan.inventory.manifest() for allowed, plan in plans.items()}
        current = {manifest.fingerprint: allowed for allowed, manifest in found.items() if manifest is not None}
        has_files = any(manifest.has_files for manifest in found.values() if manifest)  # as the folder is now
        if not has_files and not (videos.is_dir() and find_videos(videos)) and self._had_videos(dataset):
            raise _CannotTellError(f"{videos} holds no video any more (a disk not mounted?); results of {dataset}")
        if not current:
            raise _CannotTellError(f"{videos} was not looked into since it changed; results of {dataset}")
        return current

    def _had_videos(self, dataset: str) -> bool:
        last = load_plan(self._layout, dataset).inventory.last_manifest()
        return last is not None and last.has_files

    def _run(self, path: Path) -> bool:
        recipe, dataset, model = self._recipe(path), path.parent.parent.name, path.parent.name
        manifests = self._manifests(dataset)
        if recipe["manifest"] not in manifests or not self._model_is_there(model):
            return False
        text = model_config.load(model, self._layout.configs / "models").text
        experts = recipe["experts"].items()
        fits = [self._is_recipe_of("text", text, recipe["text"])]
        fits += [self._is_recipe_of("experts", name, one) for name, one in experts]
        if not all(fits):
            return False
        for index, layout in enumerate(self._variants()):
            if all(self._fingerprints("experts", name)[index] == one for name, one in experts):
                plan = load_plan(layout, dataset, model, ",".join(recipe["experts"]), manifests[recipe["manifest"]])
                return self._leads_to(path, plan, plan.train_folder(recipe["seed"]))
        return False

    def _leads_to(self, path: Path, plan: Plan, folder: Path | None) -> bool:
        if folder is None:
            raise _CannotTellError(f"{path.parent}: inputs of these results are not all there; run the same task again")
        if folder != path and plan.is_unknown:
            raise _CannotTellError(f"{path.parent}: recipe unknown without the weights, which were never here")
        return folder == path

    def _model_is_there(self, model: str) -> bool:
        if config.find(self._layout.configs / "models" / f"{model}.yaml").is_file():
            return True
        self._refuse_other_configs()
        return False

    def _report(self, path: Path) -> bool:
        """A report is wanted as long as its runs are; those that were deleted are looked up by what the report says."""
        recipe, dataset, model = self._recipe(path), path.parent.parent.name, path.parent.name
        manifests = self._manifests(dataset)
        if recipe["version"] != EVALUATE_VERSION or not self._model_is_there(model):
            return False
        words = recipe.get("label_words", {"text": {}})
        late = recipe.get("late_interaction", {"tokens": {}})
        texts = words["text"].items() | recipe.get("towers", {}).items() | late["tokens"].items()
        is_scored_the_same = not words["text"] or label_words.is_scored_the_same(words, self._layout)
        if not (is_scored_the_same and all(self._is_recipe_of("text", name, one) for name, one in texts)):
            return False
        runs = [self._layout.store / "runs" / dataset / model / run for run in recipe["train"].values()]
        if all(recipes.read_recipe(run) is not None for run in runs):
            return all(self.is_wanted(run) for run in runs)
        report = read_report(path)
        if not all(self._fingerprints("experts", name) for name in report["experts"]):
            return False
        layout = self._variants()[bool(report["seeded"])]
        plans = [
            load_plan(layout, dataset, model, ",".join(report["experts"]), partial)
            for partial in dict.fromkeys(manifests.values())
        ]
        return any(self._leads_to(path, plan, self._report_folder(plan, recipe)) for plan in plans)

    def _report_folder(self, plan: Plan, recipe: Recipe) -> Path | None:
        return plan.evaluate_folder([int(seed) for seed in recipe["train"]], recipe["split"])

    def _summary(self, path: Path) -> bool:
        """An ablation or a comparison is wanted as long as none of its reports is unwanted."""
        recipe, dataset = self._recipe(path), path.parent.parent.name
        self._manifests(dataset)
        named = recipe["reports"].values() if isinstance(recipe["reports"], dict) else recipe["reports"]
        folders = [found for one in named for found in self._layout.store.glob(f"reports/{dataset}/*/{one}")]
        return all(self.is_wanted(found) for found in folders)

    def _index(self, path: Path) -> bool:
        from search.building.build import VERSION
        from search.engines.weighing import is_of

        if index_folder.current(path.parent) == path:
            return True
        recipe, dataset = self._recipe(path), path.parent.name
        same = recipe["version"] == VERSION and is_of(search_config.load(self._layout.configs), recipe)
        if not same or recipe["manifest"] not in self._manifests(dataset):
            return False
        if not all(self._is_recipe_of("experts", name, one) for name, one in recipe["experts"].items()):
            return False
        trained_on = recipe.get("trained_on", dataset)
        runs = self._layout.store.glob(f"runs/{trained_on}/*/{recipe['train']}") if recipe["train"] else ()
        return all(self.is_wanted(run) for run in runs)

    def _recipe(self, path: Path) -> Recipe:
        """The recipe of a result; _CannotTellError for one that has none and may still be made."""
        recipe = recipes.read_recipe(path)
        if recipe is not None:
            return recipe
        if atomic.is_abandoned(path) and not self._is_default(path):
            return {"manifest": "", "version": 0, "reports": [], "train": {}, "settings": {}, "experts": {}}
        raise _CannotTellError(f"{path.parent}: results that are not finished; the same task goes on with them")

    def _is_default(self, path: Path) -> bool:
        """Whether a folder is that of a training with the configs as they are now; a killed one is resumed there."""
        kind, *names = path.relative_to(self._layout.store).parts
        if kind != "runs" or not self._model_is_there(names[1]):
            return False
        plans = [load_plan(layout, names[0], names[1]) for layout in self._variants()]
        folders = [plan.train_folder(seed) for plan in plans for seed in plan.selection.seeds("")]
        return path in folders or any(plan.is_unknown for plan in plans)
