import dataclasses
from pathlib import Path

import pytest

from extractors.extraction import estimate as module
from extractors.extraction.estimate import SAMPLE_S, estimate
from extractors.extraction.one_pass import Wanted
from pipeline.datasets.manifest import Video
from tests.clips import make_clip
from tests.extractors.run_experts import OPTIONS, named, video_of
from tests.inline_jobs import inline_jobs

START_UP_S, RATE, BYTES_PER_S = 3.0, 0.25, 1000
"""Of the pass that stands in for the real one: its time is a straight line in the length of the videos."""


def listed(lengths_s, problem=""):
    return [
        (Path(f"{n}.mp4"), Video(f"{n}.mp4", f"{n:032}", "", (), length_s, True, True, False, problem=problem))
        for n, length_s in enumerate(lengths_s)
    ]


def wanted_of(videos, folder):
    return [Wanted(named("rgb_light"), folder / "store", frozenset(video.content for _, video in videos))]


@pytest.fixture
def linear_pass(monkeypatch):
    """A pass whose time and output are known, and the lengths of the videos that it was given."""
    clock, given = [0.0], []

    def extract(wanted, samples, options):
        lengths_s = [video.duration_s for _, video in samples]
        given.append(lengths_s)
        clock[0] += START_UP_S + RATE * sum(lengths_s)
        for item in wanted:
            item.folder.mkdir(parents=True)
            (item.folder / "part").write_bytes(bytes(int(BYTES_PER_S * sum(lengths_s))))

    monkeypatch.setattr(module, "extract", extract)
    monkeypatch.setattr(module.time, "perf_counter", lambda: clock[0])
    return given


def test_start_up_and_rate_are_told_apart(tmp_path, linear_pass):
    videos = listed([20.0, 10.0, 400.0, 5.0] * 15)
    found = estimate(wanted_of(videos, tmp_path), videos, OPTIONS, tmp_path)
    total_s = 15 * 435.0
    assert found.num_videos == 60
    assert found.hours == pytest.approx(total_s / 3600)
    assert found.seconds == pytest.approx(START_UP_S + RATE * total_s)
    assert found.num_bytes == pytest.approx(BYTES_PER_S * total_s, rel=1e-3)
    assert found.num_probed == 1 + 4 * OPTIONS.workers == len(linear_pass[0]) + len(linear_pass[1])
    assert max(max(lengths_s) for lengths_s in linear_pass) == SAMPLE_S, "only the beginning of a long video"


def test_a_single_video_is_measured_twice(tmp_path, linear_pass):
    videos = listed([8.0])
    found = estimate(wanted_of(videos, tmp_path), videos, OPTIONS, tmp_path)
    assert linear_pass == [[8.0], [8.0]]
    assert found.seconds == pytest.approx(START_UP_S + RATE * 8.0)


def test_broken_videos_copies_and_those_that_are_not_missing_do_not_count(tmp_path, linear_pass):
    videos = listed([8.0, 9.0, 10.0])
    broken = [(path, dataclasses.replace(video, content="b", problem="broken")) for path, video in videos[:1]]
    wanted = [dataclasses.replace(wanted_of(videos[:2], tmp_path)[0], keys=frozenset([videos[0][1].content, "b"]))]
    assert estimate(wanted, [*videos, *videos, *broken], OPTIONS, tmp_path).num_videos == 1


def test_nothing_is_left_of_a_real_trial_run(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", seconds=1)
    videos = [(clip, video_of(clip))]
    with inline_jobs():
        found = estimate(wanted_of(videos, tmp_path), videos, OPTIONS, tmp_path / "work")
    assert found.num_videos == found.num_probed == 1
    assert found.seconds > 0
    assert found.num_bytes > 4 * named("rgb_light").extractor.dim, "one vector at least"
    assert not list((tmp_path / "work").rglob("part*"))
    assert not (tmp_path / "store").exists()
