"""A project folder in which the features of some videos are stored, without videos or extraction."""

import hashlib

import numpy as np
import yaml

from pipeline.datasets import manifest
from pipeline.datasets.annotations import Caption
from pipeline.datasets.video import Video
from pipeline.datasets.videos import Listed
from pipeline.released.feature_import import row_key
from pipeline.stores import parts, recipes
from pipeline.stores.fingerprint import fingerprint
from pipeline.stores.parts import Features
from pipeline.stores.store import Row

DIM = 3
SEEN = {"extractor": "seen", "version": 1, "params": {"fps": 2.0, "size": [4, 4]}, "decode": [2, 1], "weights": {}}
FAILED, MISSING = "bad.mp4", "new.mp4"
COUNTS = {"a/one.mp4": 2, "bad.mp4": 0, "none.mp4": 0, "three.mp4": 3}
"""Video -> number of vectors; another one has no row."""


def content(video):
    return hashlib.sha256(video.encode()).hexdigest()[:32]


def features(count, seed=0, dim=DIM):
    random = np.random.default_rng([seed, count])
    times = np.arange(2.0 * count).reshape(count, 2)
    extras = {"text": np.array([f"word {n}" for n in range(count)], np.str_)} if count else {}
    return Features(random.normal(size=(count, dim)).astype(np.float32), times, extras)


class Stored:
    """Folders `configs/` and `data/` below `root`; `results`: where the store lies, if it is not below `data/`."""

    def __init__(self, root, dataset="tiny", results=None):
        self.root, self.results = root, results or root / "data" / "store"
        self.yaml("datasets", dataset, videos=f"data/raw/{dataset}")
        self.yaml("experts", "seen_light", extractor="seen", modality="rgb", params={"fps": 2.0})
        videos = [
            Video(name, content(name), "train" if number % 2 else "test", (Caption("x"),), 1.0, True, False, False)
            for number, name in enumerate(sorted([*COUNTS, MISSING]))
        ]
        made = manifest.of(dataset, root / "data" / "raw" / dataset, Listed(videos))
        folder = self.results / "manifests" / dataset
        manifest.save(made, folder)
        manifest.write_pointer(folder, "0" * 12, made.fingerprint)

    def yaml(self, kind, name, **content):
        path = self.root / "configs" / kind / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content), encoding="utf-8")

    def store(self, recipe=SEEN, expert="seen_light", made="2026-11-01T00:00:00+0000", counts=None, **more):
        """Stores features; returns the folder. `more`: seed and dim of the vectors; imported: their collection."""
        folder = self.results / "features" / expert / fingerprint(recipe)
        recipes.write_recipe(folder, recipe, {"made": made})
        imported, counts = more.pop("imported", ""), COUNTS if counts is None else counts
        rows = [
            Row(
                row_key(imported, video) if imported else content(video),
                count,
                video == FAILED,
                "it is a text" if video == FAILED else "",
            )
            for video, count in counts.items()
        ]
        parts.publish(folder, rows, [features(count, **more) for count in counts.values()], more.get("dim", DIM))
        return folder
