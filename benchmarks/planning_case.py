"""One step of `benchmarks/planning.py` in a process of its own: `python planning_case.py STEP ROOT SIZE`.

Prints {"cpu_s": ...} of the step alone, without imports, as the last line. Steps called make_* are not measured.
"""

import dataclasses
import itertools
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import planning_collection as collection
from pipeline.datasets.videos import Listed

FEW = 100_000
"""Videos whose training features are opened: ten kB each, so that those of a million are more than this machine has."""


def make(root: Path, size: int) -> None:
    collection.make_configs(root)
    collection.make_files(root, size)


def make_stores(root: Path, size: int) -> None:
    collection.make_stores(root, size)


def make_results(root: Path, _: int) -> None:
    collection.make_results(root)


def make_index(root: Path, size: int) -> None:
    collection.make_index(root, size)


def save(root: Path, size: int) -> Callable[[], object]:
    made = collection.make_manifest(root, size)
    return lambda: collection.save_manifest(root, made)


def load(root: Path, _: int) -> Callable[[], object]:
    from pipeline.datasets import manifest

    folder = collection.layout(root).manifests(collection.DATASET)
    (one,) = (path.name for path in folder.iterdir() if path.is_dir())
    return lambda: manifest.load(collection.DATASET, root, folder, one).videos.ids


def look(root: Path, _: int) -> Callable[[], object]:
    from pipeline.datasets import scan

    settings = collection.plan(root).selection.settings
    return lambda: scan.scan_digest(collection.DATASET, settings)


def plan(root: Path, _: int) -> Callable[[], object]:
    """The recipe of a report on all seeds: the folder, the manifest and all rows of all experts."""
    planned = collection.plan(root)
    return lambda: planned.evaluate_recipe(collection.SEEDS, collection.SPLIT)


def features(root: Path, _: int) -> Callable[[], object]:
    from models.inputs.load import collect

    sources = collection.plan(root).sources()
    few = Listed(itertools.islice(sources.manifest.videos, FEW))
    sources = dataclasses.replace(sources, manifest=dataclasses.replace(sources.manifest, videos=few))
    return lambda: collect(sources, "train")


def index(root: Path, _: int) -> Callable[[], object]:
    from search import Collection

    def opened() -> None:
        found = Collection.open(collection.DATASET, root / "data", root / "configs")
        found.videos[len(found.videos) - 1]

    return opened


def main(step: str, root: Path, size: int) -> None:
    """Runs the step, and prints its CPU seconds."""
    run = globals()[step](root, size)
    start = time.process_time()
    if run:
        run()
    print(json.dumps({"cpu_s": round(time.process_time() - start, 2)}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
