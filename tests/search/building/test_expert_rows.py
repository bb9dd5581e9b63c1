import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from pipeline.datasets.videos import Listed
from pipeline.stores import parts, store
from pipeline.stores.parts import Features
from pipeline.stores.store import Row
from search.building import build
from search.config import IndexSettings
from search.engines import late_interaction
from search.index import earlier_rows
from tests.search import small_collection
from tests.search.building.random_changes import FIRST, change
from tests.search.small_collection import CONFIGS, Clip

TOWERS = {"ocr_light": CONFIGS / "text" / "words_hashed.yaml"}
"""Each sign is a row of the expert; the encoder of words stands for its text tower."""
LATE = [f"{late_interaction.FOLDER}/ocr_light{end}" for end in (".npy", ".offsets.npy")]
FOLDERS = ("features", "frames", late_interaction.FOLDER, "overview")


def clips(count=12) -> list[Clip]:
    """Clips with 0 to 80 signs each, so that of some the centres of clusters are kept."""
    found = []
    for number in range(count):
        signs = {f"word{100 * number + at}": at / 4 for at in range((0, 5, 80, 40)[number % 4])}
        found.append(Clip(f"clip{number:02}", sign=signs, speech={"boat": 1.0}, duration_s=5.0 + number))
    return found


class Indexes:
    """Untrained indexes of one folder, of videos that are any of `clips`, under any name."""

    def __init__(self, root) -> None:
        self.root = root
        self.sources, _ = small_collection.trained(root, clips())
        self.by_clip = {video.content: video for video in self.sources.manifest.videos}

    def index(self, name, videos, parent=None):
        """Folder of the index of videos: id -> clip."""
        listed = Listed(replace(self.by_clip[videos[one]], video_id=one) for one in sorted(videos))
        sources = replace(self.sources, manifest=replace(self.sources.manifest, videos=listed))
        folder = (parent or self.root / "index") / name
        inputs = replace(small_collection.ingredients(self.root, sources, None), towers=TOWERS)
        build.build_index(inputs, IndexSettings(), folder, {"stage": "index", "of": name})
        return folder


@pytest.fixture
def indexes(tmp_path):
    return Indexes(tmp_path)


@pytest.fixture
def clustered(monkeypatch):
    """How many rows of signs were made fewer, in each video that was read for it."""
    counts, few_vectors = [], late_interaction.few_vectors
    monkeypatch.setattr(
        late_interaction, "few_vectors", lambda rows: counts.extend(rows.counts.tolist()) or few_vectors(rows)
    )
    return counts


def files_of(index):
    """File -> its bytes, of all that is kept of the rows of experts."""
    return {str(path.relative_to(index)): path.read_bytes() for name in FOLDERS for path in (index / name).iterdir()}


def test_after_many_changes_the_files_are_those_of_an_index_that_was_built_from_nothing(indexes, tmp_path):
    rng, videos = random.Random(1), dict(FIRST)
    indexes.index("0", videos)
    for step in range(1, 9):
        change(videos, rng)
        grown, alone = indexes.index(str(step), videos), indexes.index("alone", videos, tmp_path / f"alone{step}")
        assert files_of(grown).keys() == files_of(alone).keys()
        assert files_of(grown) == files_of(alone), (step, videos)


def test_only_new_videos_are_made_few(indexes, clustered):
    indexes.index("one", FIRST)
    assert len(clustered) == len(FIRST)
    clustered.clear()
    indexes.index("two", FIRST | {"00-first.mp4": "clip10", "copy.mp4": "clip02"})
    assert sorted(clustered) == [0, 0, 80], "the new one; those of which nothing is kept; none of the copy"


@pytest.mark.parametrize("file", [*LATE, "rows.npz"])
def test_of_a_damaged_index_nothing_is_taken(indexes, clustered, tmp_path, file):
    path = indexes.index("one", FIRST) / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x40
    path.write_bytes(content)
    clustered.clear()
    grown = indexes.index("two", FIRST)
    assert len(clustered) == len(FIRST)
    assert files_of(grown) == files_of(indexes.index("alone", FIRST, tmp_path / "alone"))


def test_an_index_that_is_deleted_meanwhile_is_done_without(indexes, monkeypatch):
    before = files_of(indexes.index("one", FIRST))

    found = earlier_rows.find

    def found_and_gone(*asked):
        earlier = found(*asked)
        shutil.rmtree(earlier.index)
        return earlier

    monkeypatch.setattr(earlier_rows, "find", found_and_gone)
    assert files_of(indexes.index("two", FIRST)) == before
    assert not (indexes.root / "index" / "one").exists()


def test_the_vectors_of_a_row_that_has_failed_since_or_works_now_are_not_taken(indexes, tmp_path):
    path = indexes.sources.stores["ocr_light"]
    rows = store.rows(path)
    features = {key: parts.read_features(path, key) for key in rows}
    nothing = Features(features["clip02"].values[:0], features["clip02"].times_s[:0])

    def failing(failed):
        for part in store.parts(path):
            part.rename(part.with_name(f"gone-{failed}-{part.name}"))
        kept = [Row(failed, 0, failed=True, reason="hung") if key == failed else row for key, row in rows.items()]
        parts.publish(path, kept, [nothing if row.failed else features[row.key] for row in kept], small_collection.DIM)

    for step, failed in enumerate(("clip02", "clip05")):
        failing(failed)
        grown = indexes.index(str(step), FIRST)
        assert files_of(grown) == files_of(indexes.index("alone", FIRST, tmp_path / failed))
    with np.load(grown / "frames" / "ocr_light.npz") as arrays:
        assert np.diff(arrays["offsets"]).tolist()[:6] == [0, 5, 80, 40, 0, 0]


KILLED = """
import sys
from pathlib import Path
import tests.search.building.test_expert_rows as tested
tested.small_collection.parts.publish = lambda *_: None  # the stores are there
indexes = tested.Indexes(Path(sys.argv[1]))
print("begins", flush=True)
for turn in range(1000):
    indexes.index("two", tested.FIRST | {"more.mp4": "clip10", "again.mp4": "clip02"})
"""


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_an_index_that_is_whole_or_none(indexes, tmp_path):
    indexes.index("one", FIRST)
    rng, wanted = random.Random(time.time_ns()), FIRST | {"more.mp4": "clip10", "again.mp4": "clip02"}
    expected = files_of(indexes.index("alone", wanted, tmp_path / "alone"))
    for _ in range(3):
        shutil.rmtree(indexes.root / "run", ignore_errors=True)
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(indexes.root)], stdout=subprocess.PIPE, cwd=CONFIGS.parent
        )
        process.stdout.readline()
        time.sleep(rng.random())
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert files_of(indexes.index("two", wanted)) == expected
        shutil.rmtree(indexes.root / "index" / "two")
