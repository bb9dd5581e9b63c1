"""Finds the results that no config asks for any more, and the remains of killed runs."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from extractors import registry
from extractors.base import Plugin
from models import config as model_config
from pipeline import config
from pipeline.datasets import annotations
from pipeline.datasets.availability import is_imported
from pipeline.datasets.splits import SPLITS
from pipeline.stores import atomic
from search.index import folder
from tasks.plan.layout import Layout
from tasks.plan.plan import Plan, load_plan

ABANDONED_S = 3600
"""A temporary file older than this was left by a killed run; a younger one may still be written."""

PATTERNS = (
    "features/*/*",
    "text/*/*",
    "manifests/*/*",
    "runs/*/*/*",
    "reports/*/*/*",
    "ablations/*/*/*",
    "comparisons/*/*/*",
    "index/*/*",
)
"""Folders below the store that are named by a fingerprint and may be garbage."""


def find_garbage(layout: Layout) -> list[Path]:
    """Paths of the results that no config leads to, sorted, and then of the abandoned temporary files."""
    return sorted(set(_results(layout)) - set(_in_use(layout))) + list(_abandoned(layout))


def size_bytes(path: Path) -> int:
    """Size of a file, or of all files below a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if not file.is_dir())


def _results(layout: Layout) -> Iterator[Path]:
    for pattern in PATTERNS:
        for path in layout.store.glob(pattern):
            if path.is_dir() and not path.name.startswith(atomic.TEMPORARY):
                yield path


def _in_use(layout: Layout) -> Iterator[Path]:
    """The folders that the configs lead to, with the datasets as they are now."""
    # Features from real weights are kept while stand-ins are in use.
    for weights in (layout.weights, replace(layout.weights, seeded=False)):
        for name in config.names(layout.configs / "experts"):
            expert = registry.expert(name, layout.configs / "experts", weights)
            yield from _stores(layout.features(expert), expert.extractor)
        for name in config.names(layout.configs / "text"):
            text = registry.text(name, layout.configs / "text", weights)
            yield from _stores(layout.text(text), text.encoder)
    for dataset in config.names(layout.configs / "datasets"):
        settings = annotations.load_dataset(dataset, layout.configs / "datasets")
        if Path(settings.videos).is_dir() or is_imported(settings):
            yield from _of_dataset(layout, dataset)


def _stores(folder: Path, plugin: Plugin) -> Iterator[Path]:
    """The store of an expert or encoder; all of its stores while it is unknown which, for want of its weights."""
    yield from folder.parent.glob("*") if plugin.unknown_parts() else [folder]


def _of_dataset(layout: Layout, dataset: str) -> Iterator[Path]:
    index = folder.current(layout.store / "index" / dataset)
    yield from [index] if index else []
    videos = load_plan(layout, dataset).inventory.manifest()
    if videos is None:
        # Before BuildManifest has run, it is unknown which results still fit: all are kept.
        yield from (path for path in _results(layout) if dataset in path.relative_to(layout.store).parts)
        return
    yield layout.manifests(dataset) / videos.fingerprint
    for model in config.names(layout.configs / "models"):
        names = sorted(model_config.load(model, layout.configs / "models").experts)
        ablations = [",".join(name for name in names if name != left_out) for left_out in names]
        for experts in ["", *ablations]:
            yield from _of_plan(load_plan(layout, dataset, model, experts))


def _of_plan(plan: Plan) -> Iterator[Path]:
    seeds = plan.selection.seeds("")
    folders = [plan.train_folder(seed) for seed in seeds]
    folders += [plan.evaluate_folder(seeds, split) for split in SPLITS]
    yield from (folder for folder in folders if folder is not None)
    yield from plan.results("ablations").glob("*")
    yield from plan.results("comparisons").glob("*")


def _abandoned(layout: Layout) -> Iterator[Path]:
    for path in layout.store.rglob(f"{atomic.TEMPORARY}*"):
        if time.time() - path.stat().st_mtime > ABANDONED_S:
            yield path
