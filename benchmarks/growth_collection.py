"""Makes the collections of `benchmarks/growth.py`: many short videos of a few kinds, each with a content of its own.

The kinds are videos of the demo. A video is a kind with a number in a `free` box at its end, which no decoder looks at:
its features are those of its kind, and its key is its own. So those of the first videos are extracted once for each
kind, and written to the stores under the key of each video, by the program's own writer.
"""

import csv
import shutil
import struct
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

from pipeline.datasets import manifest
from pipeline.datasets.manifest import Manifest
from pipeline.demo.make import DAMAGED, DemoSettings, make_demo
from pipeline.stores import parts, recipes, store
from tasks.plan.layout import Layout
from tasks.plan.plan import load_plan

CONFIGS = Path(__file__).parents[1] / "configs"
KINDS, GROWN = "kinds", "grown"
"""The datasets: the demo on which the model is trained, and the videos that become more."""
MODEL = "growth"
NUM_KINDS = 24
SPLITS = {"num_train": 16, "num_val": 4, "num_test": 4}
DURATION_S = (1.0, 2.0)
"""Of the videos: what is extracted of a video hides the less of all else the shorter it is."""
PER_FOLDER = 1000
VIDEOS_PER_PART = 64
BOX = struct.Struct(">I4s16s")
"""A box of an mp4 file: its size, its kind, and the number of the video as text."""


@dataclass(frozen=True)
class Grown:
    """The project in the folder `root`, whose dataset GROWN has the videos of some numbers."""

    root: Path
    experts: tuple[str, ...]

    @property
    def layout(self) -> Layout:
        """Where its files lie."""
        return Layout(self.root / "data", self.root / "configs")

    @property
    def videos(self) -> Path:
        """The folder of the videos of GROWN."""
        return self.root / "data" / "raw" / GROWN

    def make(self, kinds: Path) -> None:
        """Writes the configs, and takes the demo's videos from the folder `kinds`, which is filled if need be."""
        for kind, names in {"experts": self.experts, "text": ("words_hashed",)}.items():
            (self.root / "configs" / kind).mkdir(parents=True)
            for name in names:
                shutil.copy(CONFIGS / kind / f"{name}.yaml", self.root / "configs" / kind)
        shutil.copy(CONFIGS / "search.yaml", self.root / "configs")
        model = yaml.safe_load((CONFIGS / "models" / "ce_light.yaml").read_text(encoding="utf-8"))
        model["experts"] = list(self.experts)
        model["training"] |= {"epochs": 2, "seeds": [0]}
        make_demo(demo_settings(), kinds)
        shutil.copytree(kinds, self.root / "data" / "raw" / KINDS)
        (self.root / "data" / "raw" / KINDS / "videos" / f"{DAMAGED}.mp4").unlink()
        raw = self.root / "data" / "raw"
        dataset = {"videos": str(raw / KINDS / "videos"), "captions": str(raw / KINDS / "captions.csv"), "model": MODEL}
        grown = {"videos": str(self.videos), "captions": str(raw / f"{GROWN}.csv"), "model": MODEL}
        for kind, name, body in (("models", MODEL, model), ("datasets", KINDS, dataset), ("datasets", GROWN, grown)):
            (self.root / "configs" / kind).mkdir(exist_ok=True)
            (self.root / "configs" / kind / f"{name}.yaml").write_text(yaml.safe_dump(body), encoding="utf-8")

    def add(self, numbers: Iterable[int]) -> None:
        """Adds videos with their subtitles and captions; a twentieth each are for validation and test."""
        captions = self.videos.with_suffix(".csv")
        is_new = not captions.exists()
        with captions.open("a", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            if is_new:
                writer.writerow(("video", "caption", "split"))
            for number in numbers:
                path = self.videos / name_of(number)
                path.parent.mkdir(parents=True, exist_ok=True)
                kind = self._kinds[number % NUM_KINDS]
                box = BOX.pack(BOX.size, b"free", f"{number:016}".encode())
                path.write_bytes(kind.read_bytes() + box)
                if kind.with_suffix(".srt").exists():
                    shutil.copy(kind.with_suffix(".srt"), path.with_suffix(".srt"))
                split = ("val", "test")[number % 2] if number % 20 < 2 else "train"
                writer.writerow((name_of(number), f"{self._captions[kind.name]}, number {number}", split))

    def plant(self) -> None:
        """Writes the features of all videos of GROWN, of which there is a manifest, from those of their kinds."""
        grown, kinds = self._manifest(GROWN), self._manifest(KINDS)
        content = {video.video_id: video.content for video in kinds.videos}
        pairs = [(video.content, content[self._kinds[number_of(video.video_id) % NUM_KINDS].name])
                 for video in grown.videos]  # fmt: skip
        for expert in load_plan(self.layout, GROWN).selection.experts:
            folder = self.layout.features(expert)
            known, reader = store.rows(folder), parts.Reader(folder)
            features = {key: reader.features(key) for key in content.values()}
            recipes.write_recipe(folder, expert.recipe)
            for first in range(0, len(pairs), VIDEOS_PER_PART):
                block = pairs[first : first + VIDEOS_PER_PART]
                rows = [store.Row(key, *_rest(known[kind])) for key, kind in block]
                parts.publish(folder, rows, [features[kind] for _, kind in block], expert.extractor.dim)

    @cached_property
    def _kinds(self) -> list[Path]:
        return sorted((self.root / "data" / "raw" / KINDS / "videos").glob("*.mp4"))

    @cached_property
    def _captions(self) -> dict[str, str]:
        found: dict[str, str] = defaultdict(str)
        with (self.root / "data" / "raw" / KINDS / "captions.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                found[row["video"]] = found[row["video"]] or row["caption"]
        return found

    def _manifest(self, dataset: str) -> Manifest:
        folder = self.layout.manifests(dataset)
        name = manifest.newest_pointer(folder)
        assert name, f"BuildManifest of {dataset} has run"
        return manifest.load(dataset, self.videos, folder, name)


def _rest(row: store.Row) -> tuple[int, bool, str]:
    return row.count, row.failed, row.reason


def demo_settings() -> DemoSettings:
    """Those of the shipped demo, with fewer and shorter videos."""
    demo = yaml.safe_load((CONFIGS / "datasets" / "demo.yaml").read_text(encoding="utf-8"))["demo"]
    return DemoSettings(**(demo | SPLITS | {"duration_s": DURATION_S}))


def name_of(number: int) -> str:
    """Id of a video."""
    return f"{number // PER_FOLDER:05}/video-{number:08}.mp4"


def number_of(name: str) -> int:
    """The number of the video with this id."""
    return int(Path(name).stem.removeprefix("video-"))
