from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from extractors.extraction import estimate, work
from tasks.console.extraction_estimate import announce_extraction, tell_estimate
from tasks.plan.settings import Extraction


@dataclass(frozen=True)
class Wanted:
    """One expert that lacks videos."""

    expert: SimpleNamespace
    keys: frozenset[str]


def wanted(name, *keys):
    return Wanted(SimpleNamespace(name=name), frozenset(keys))


def files(*durations_s):
    return [
        (Path(f"{index}.mp4"), SimpleNamespace(content=f"v{index}", duration_s=duration_s))
        for index, duration_s in enumerate(durations_s)
    ]


@pytest.fixture
def estimated(monkeypatch):
    """The experts of each estimate, which says 7200 s and 3 MB from 5 pieces."""
    calls = []

    def estimate_of(items, *rest):
        calls.append([item.expert.name for item in items])
        return estimate.Estimate(2, 0.0, 7200.0, 3_000_000, 5)

    monkeypatch.setattr(estimate, "estimate", estimate_of)
    monkeypatch.setattr(work, "without_networks", lambda item: item)
    return calls


def test_short_work_is_announced_without_an_estimate(project, capsys, estimated):
    with project.process():
        announce_extraction([wanted("a", "v0"), wanted("b", "v0", "v1")], files(30, 60, 500), Extraction(), Path("s"))
    assert capsys.readouterr().out == "Extracting a, b from 2 videos, 90 s in all\n"
    assert estimated == []


@pytest.mark.parametrize(("seconds", "duration"), [(99, "99 s"), (100, "2 min"), (7140, "119 min"), (7200, "2.0 h")])
def test_durations_are_in_seconds_minutes_or_hours(project, capsys, estimated, seconds, duration):
    with project.process():
        announce_extraction([wanted("a", "v0")], files(seconds), Extraction(), Path("s"))
    assert f"from 1 videos, {duration} in all\n" in capsys.readouterr().out


def test_long_work_is_estimated_and_shared_by_the_devices(project, capsys, estimated):
    with project.process(device="cpu,cpu"):
        announce_extraction([wanted("a", "v0")], files(3601), Extraction(), Path("s"))
    assert estimated == [["a"]]
    line = capsys.readouterr().out.splitlines()[1]
    assert line == "That will take about 60 min on 2 devices and 3 MB of disk in s, judged by 5 pieces of the videos"


def test_a_video_that_lies_there_twice_counts_once(project, capsys, estimated):
    with project.process():
        lines = []
        told = tell_estimate([wanted("a", "v0")], files(60) * 2, Extraction(), Path("s"), lines.append)
    assert "1 videos, 60 s in all" in lines[0]
    assert estimated == [["a"]]
    assert told == {
        "experts": ["a"],
        "videos": 1,
        "hours": 60 / 3600,
        "seconds": 7200.0,
        "bytes": 3_000_000,
        "devices": 1,
        "judged_by": 5,
    }


def test_where_nothing_is_to_be_extracted_nothing_is_tried_out(project, estimated):
    with project.process():
        lines = []
        told = tell_estimate([], files(60), Extraction(), Path("s"), lines.append)
    assert lines == ["Nothing to extract: all experts have all videos"]
    assert estimated == []
    assert (told["videos"], told["seconds"], told["bytes"]) == (0, 0.0, 0)
