import csv
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import av
import pytest

from pipeline.config import parse, read_yaml
from pipeline.demo.make import DAMAGED, DemoSettings, all_facts, make_demo
from pipeline.errors import ConfigError, PipelineError

SETTINGS = DemoSettings(
    version=2,
    seed=3,
    num_train=3,
    num_val=1,
    num_test=1,
    captions_per_video=5,
    duration_s=(1.0, 1.5),
    width_px=320,
    height_px=240,
    fps=6,
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    make_demo(SETTINGS, folder)
    return folder


def hashes(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "captions.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_same_settings_give_the_same_bytes(demo, tmp_path):
    make_demo(SETTINGS, tmp_path)
    assert hashes(tmp_path) == hashes(demo)


def test_processes_give_the_same_bytes_as_one_process(demo, tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.demo.make.VIDEOS_PER_WORKER", 1)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    make_demo(SETTINGS, tmp_path)
    assert hashes(tmp_path) == hashes(demo)


def test_every_video_is_what_its_facts_say(demo):
    for facts in all_facts(SETTINGS):
        if facts.name == DAMAGED:
            continue
        with av.open(str(demo / "videos" / f"{facts.name}.mp4")) as container:
            kinds = {stream.type: stream.codec_context.name for stream in container.streams}
            pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
            duration_s = container.duration / av.time_base
        assert kinds.pop("video") == "h264"
        assert kinds.pop("audio", None) == ("aac" if facts.sound else None)
        assert kinds.pop("subtitle", None) == ("mov_text" if facts.subtitle and facts.subtitle_embedded else None)
        assert duration_s == pytest.approx(facts.duration_s, abs=0.2)
        assert len(pictures) == round(facts.duration_s * SETTINGS.fps)
        assert pictures[0].shape == (240, 320, 3)


def test_the_damaged_file_cannot_be_opened_and_is_annotated(demo):
    with pytest.raises(av.error.InvalidDataError):
        av.open(str(demo / "videos" / f"{DAMAGED}.mp4"))
    assert {row["split"] for row in rows(demo) if row["video"] == f"{DAMAGED}.mp4"} == {"train"}


def test_annotations_name_existing_files_and_the_asked_splits(demo):
    splits = {row["video"]: row["split"] for row in rows(demo)}
    assert sorted(splits.values()) == ["test", "train", "train", "train", "train", "val"]
    assert all((demo / "videos" / video).is_file() for video in splits)
    assert len(rows(demo)) == len(splits) * SETTINGS.captions_per_video


def test_a_second_run_makes_only_what_is_missing(demo, tmp_path):
    make_demo(SETTINGS, tmp_path)
    kept, lost = tmp_path / "videos" / "demo_000.mp4", tmp_path / "videos" / "demo_001.mp4"
    kept.write_bytes(b"left alone")
    lost.unlink()
    lost.with_name(".demo_001.mp4.part").write_bytes(b"half of a file")
    calls: list[tuple[int, int]] = []
    make_demo(SETTINGS, tmp_path, lambda done, total: calls.append((done, total)))
    assert calls == [(6, 6)]
    assert kept.read_bytes() == b"left alone"
    assert hashes(tmp_path)["videos/demo_001.mp4"] == hashes(demo)["videos/demo_001.mp4"]
    assert not list(tmp_path.rglob("*.part"))


def test_other_settings_replace_the_videos(demo, tmp_path):
    make_demo(replace(SETTINGS, num_train=4), tmp_path)
    make_demo(SETTINGS, tmp_path)
    assert hashes(tmp_path) == hashes(demo)


def test_captions_appear_only_when_all_videos_are_there(tmp_path, monkeypatch):
    def full_disk(facts, settings, folder):
        raise OSError(28, "No space left on device", str(folder / facts.name))

    monkeypatch.setattr("pipeline.demo.make._make_video", full_disk)
    with pytest.raises(PipelineError, match=r"demo_000.*No space left"):
        make_demo(SETTINGS, tmp_path)
    assert not (tmp_path / "captions.csv").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(PipelineError, match="taken"):
        make_demo(SETTINGS, tmp_path / "taken")


def test_the_settings_are_on_record(demo):
    assert json.loads((demo / "settings.json").read_text())["num_train"] == SETTINGS.num_train


@pytest.mark.parametrize(
    "change",
    [
        {"num_val": -1},
        {"captions_per_video": 0},
        {"duration_s": [4.0, 3.0]},
        {"width_px": 319},
        {"height_px": 241},
        {"fps": 1},
    ],
)
def test_settings_that_make_no_sense_are_refused(change):
    block = read_yaml(Path("configs/datasets/demo.yaml"))["demo"]
    assert parse(DemoSettings, block, "demo.yaml")
    with pytest.raises(ConfigError, match=next(iter(change))):
        parse(DemoSettings, block | change, "demo.yaml")
