"""Tasks that make nothing new: they tell how things are, try failed videos again, and delete what nobody asks for."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import luigi

from extractors import registry
from models import config as model_config
from pipeline import config
from pipeline.datasets import annotations, manifest
from pipeline.datasets.availability import is_imported
from pipeline.stores import atomic, store
from pipeline.weights.files import WeightOptions
from search.index import folder
from tasks.console.terminal import print_table, say
from tasks.dataset_task import SEEDS, DatasetTask, ModelTask
from tasks.plan.layout import Layout
from tasks.plan.plan import Plan, plan
from tasks.plan.search_status import search_status
from tasks.plan.settings import Paths
from tasks.plan.status import status

ABANDONED_S = 3600
"""What is still being written is younger; what a kill left behind gets older."""


class Status(ModelTask):
    """Says for each stage whether it is fresh, or stale and why. Runs nothing."""

    seeds = luigi.Parameter(default="", description=SEEDS)
    split = luigi.ChoiceParameter(choices=("train", "val", "test"), default="test", description="Split of the report")
    told = False

    def complete(self) -> bool:
        """True once it has told."""
        return self.told

    def run(self) -> None:
        """Prints the table."""
        lines = [*status(self.plan, self.seeds, self.split), *search_status(self.plan, self.seeds, self.split)]
        print_table(
            self.dataset, ["stage", "", "why"], [(a.stage, "fresh" if a.fresh else "STALE", a.why) for a in lines], 3
        )
        self.told = True


class ForgetFailures(DatasetTask):
    """Forgets the failed videos of a dataset, so that the next run tries them again."""

    done = False

    def complete(self) -> bool:
        """True once it has run."""
        return self.done

    def run(self) -> None:
        """Deletes the failed rows of all experts."""
        videos = self.plan.manifest()
        failed = [video.content for video in videos.videos] if videos else []
        layout = self.plan.layout
        for name in config.names(layout.configs / "experts"):
            gone = store.forget(layout.features(self.plan.expert(name)), failed)
            if gone:
                say(f"{name}: {gone} failed videos will be tried again")
        # What could not be read may be readable now: other permissions, a disk that is back, a newer decoder.
        manifest.delete_pointers(layout.manifests(self.dataset))
        self.done = True


class CollectGarbage(luigi.Task):
    """Lists the stores, runs and reports that no config asks for any more, and deletes them with --delete."""

    delete = luigi.BoolParameter(description="Really delete them")
    done = False

    def complete(self) -> bool:
        """True once it has run."""
        return self.done

    def run(self) -> None:
        """Lists, and deletes when told to."""
        layout = Paths().layout
        garbage = sorted(set(_all_results(layout)) - set(_asked_for(layout))) + list(_abandoned(layout))
        rows = [(str(path), f"{_size_bytes(path) / 1e6:.1f} MB") for path in garbage]
        if rows:
            print_table("No config asks for:", ["folder", "size"], rows)
        for path in garbage if self.delete else []:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        say(f"{len(garbage)} {'deleted' if self.delete else 'found; --delete removes them' if garbage else 'found'}")
        self.done = True


def _all_results(layout: Layout) -> Iterator[Path]:
    """Every folder that is named by a fingerprint."""
    for pattern in (
        "features/*/*",
        "text/*/*",
        "manifests/*/*",
        "runs/*/*/*",
        "reports/*/*/*",
        "ablations/*/*/*",
        "comparisons/*/*/*",
        "index/*/*",
    ):
        yield from (path for path in layout.store.glob(pattern) if path.is_dir() and not _temporary(path))


def _asked_for(layout: Layout) -> Iterator[Path]:
    """Every folder that some config leads to, as the datasets are now."""
    # Features from real weights are kept also while stand-ins are asked for, and the other way round.
    for weights in (layout.weights, WeightOptions()):
        for name in config.names(layout.configs / "experts"):
            yield layout.features(registry.expert(name, layout.configs / "experts", weights))
        for name in config.names(layout.configs / "text"):
            yield layout.text(registry.text(name, layout.configs / "text", weights))
    for dataset in config.names(layout.configs / "datasets"):
        settings = annotations.load_dataset(dataset, layout.configs / "datasets")
        if Path(settings.videos).is_dir() or is_imported(settings):
            yield from _of_dataset(layout, dataset)


def _of_dataset(layout: Layout, dataset: str) -> Iterator[Path]:
    searched = folder.current(layout.store / "index" / dataset)
    yield from [searched] if searched else []
    videos = plan(layout, dataset).manifest()
    if videos is None:
        # Nobody knows what the folder holds now until BuildManifest has looked: keep all.
        yield from (path for path in _all_results(layout) if dataset in path.relative_to(layout.store).parts)
        return
    yield layout.manifests(dataset) / videos.fingerprint
    for model in config.names(layout.configs / "models"):
        names = sorted(model_config.load(model, layout.configs / "models").experts)
        without_one = [",".join(name for name in names if name != left_out) for left_out in names]
        for experts in ["", *without_one]:
            yield from _of_plan(plan(layout, dataset, model, experts))


def _of_plan(asked: Plan) -> Iterator[Path]:
    seeds = asked.seeds("")
    folders = [asked.train_folder(seed) for seed in seeds]
    folders += [asked.evaluate_folder(seeds, split) for split in annotations.SPLITS]
    yield from (folder for folder in folders if folder is not None)
    yield from asked.results("ablations").glob("*")
    yield from asked.results("comparisons").glob("*")


def _abandoned(layout: Layout) -> Iterator[Path]:
    """What a killed run left half-written."""
    for path in layout.store.rglob(f"{atomic.TEMPORARY}*"):
        if time.time() - path.stat().st_mtime > ABANDONED_S:
            yield path


def _temporary(path: Path) -> bool:
    return path.name.startswith(atomic.TEMPORARY)


def _size_bytes(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if not file.is_dir())
