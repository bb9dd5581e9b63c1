"""Fixtures of the pipeline tests: a small dataset, inspections without worker processes, an HTTP server."""

import csv
import shutil

import pytest

from pipeline.datasets import files, manifest, scan
from pipeline.datasets.annotations import DatasetConfig
from tests.clips import make_clip
from tests.inline_jobs import run_jobs_inline
from tests.pipeline.http_server import serve


@pytest.fixture
def server():
    """A running FakeServer without files."""
    with serve() as running:
        yield running


@pytest.fixture
def no_workers(monkeypatch):
    """Inspects files in this process; the worker pool has its own tests."""
    manifest._load_videos.cache_clear()
    monkeypatch.setattr(files, "run_jobs", run_jobs_inline)


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Paths of four small clips that differ."""
    folder = tmp_path_factory.mktemp("made")
    return [make_clip(folder / f"{number}.mp4", seconds=0.2 + 0.2 * number) for number in range(4)]


class Dataset:
    """A folder with three videos and a captions file, which tests change through `videos`, `rows` and `settings`."""

    def __init__(self, root, made):
        self.root = root
        self.videos = root / "videos"
        self.videos.mkdir()
        for name, source in zip(("a.mp4", "b.mp4", "sub/a.mp4"), made, strict=False):
            (self.videos / name).parent.mkdir(exist_ok=True)
            shutil.copy(source, self.videos / name)
        self.rows = [
            ("a.mp4", "A red star", "train", "rgb"),
            ("b.mp4", "A tone", "val", ""),
            ("sub/a", "Hi", "test", ""),
        ]
        self.rows.append(("a.mp4", "It turns", "train", "flow"))
        self.settings = DatasetConfig(videos=str(self.videos), captions=str(root / "captions.csv"))

    def build(self, name="ours"):
        """Writes the captions file, and builds the manifest."""
        with (self.root / "captions.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("video", "caption", "split", "tags"), *self.rows])
        return scan.build(name, self.settings, self.root / "cache.sqlite", 1, 60.0)

    @property
    def digest(self):
        """The scan digest of the folder as it is now."""
        return scan.scan_digest("ours", self.settings)


@pytest.fixture
def dataset(tmp_path, made, no_workers):
    return Dataset(tmp_path, made)
