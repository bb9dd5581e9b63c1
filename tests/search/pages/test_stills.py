import time
from pathlib import Path

import pytest

from search.pages import stills
from search.pages.stills import Still, take


@pytest.fixture
def wanted(clip, tmp_path) -> list[Still]:
    (tmp_path / "noise.mp4").write_bytes(b"\0" * 5000)
    return [Still(clip, 1.0, tmp_path / "stills" / "a.jpg"), Still(tmp_path / "noise.mp4", 0.0, tmp_path / "b.jpg")]


@pytest.mark.slow
def test_what_can_be_taken_is_there_and_the_rest_is_told(wanted):
    seen = []
    failed = take(wanted, 2, lambda done, of: seen.append((done, of)))
    assert wanted[0].output.read_bytes()[:2] == b"\xff\xd8"
    assert list(failed) == [wanted[1].video]
    assert not wanted[1].output.exists()
    assert seen == [(1, 2), (2, 2)]
    written = wanted[0].output.stat().st_mtime_ns
    assert take(wanted[:1], 2) == {}
    assert wanted[0].output.stat().st_mtime_ns == written


def hang(path: Path, *_) -> bytes:
    time.sleep(60)
    return b""


@pytest.mark.slow
def test_a_file_on_which_the_decoder_hangs_costs_its_still(wanted, monkeypatch):
    monkeypatch.setattr(stills, "DEADLINE_S", 0.5)
    monkeypatch.setattr(stills, "_take", hang)
    failed = take(wanted[:1], 1)
    assert "gave up after 0.5 s" in failed[wanted[0].video]


def test_nothing_wanted_starts_no_worker(wanted, monkeypatch):
    monkeypatch.setattr(stills, "run_jobs", lambda *_: pytest.fail("a pool was started"))
    assert take([], 2) == {}
