"""Fixtures of all tests: clips that are made once per session, and the folder of real videos."""

import sys
from pathlib import Path

import numpy as np
import pytest

from tests.clips import make_clip, numbered
from tests.web_server import serving

ROOT = Path(__file__).parents[1]
MEDIA = ROOT.parent / "shared" / "media"


@pytest.fixture(autouse=True)
def _no_workers_wait():
    """For what a test does next, which begins with none; those that were handed on would wait for ten seconds."""
    yield
    if handed_on := sys.modules.get("pipeline.running.handed_on"):
        handed_on.end()


@pytest.fixture(scope="session")
def media() -> Path:
    """Path of the folder of real videos beside some checkouts; tests that need it are skipped without it."""
    if not MEDIA.is_dir():
        pytest.skip(f"no real media at {MEDIA}")
    return MEDIA


@pytest.fixture(scope="session")
def clip(tmp_path_factory) -> Path:
    """Path of a clip in the most common format, H.264 and AAC in an .mp4: two seconds of numbered frames and a tone."""
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4")


@pytest.fixture(scope="session")
def rich_clip(tmp_path_factory) -> Path:
    """Path of a clip with content for every expert: three seconds with a face, a word, motion, a tone and subtitles."""
    cues = [("Welcome to the harbor", 0.2, 1.4), ("Goodbye", 1.6, 2.4)]
    return _rich(tmp_path_factory.mktemp("rich") / "rich.mkv", 3, cues)


@pytest.fixture(scope="session")
def brief_clip(tmp_path_factory) -> Path:
    """Path of a clip like `rich_clip`, but of one second, for large networks."""
    return _rich(tmp_path_factory.mktemp("brief") / "brief.mkv", 1, [("Welcome", 0.2, 0.9)])


@pytest.fixture(scope="session")
def bare_clip(tmp_path_factory) -> Path:
    """Path of a clip without content: a single grey frame, no audio, no subtitles."""
    path = tmp_path_factory.mktemp("bare") / "bare.mp4"
    return make_clip(
        path, fps=25, seconds=0.04, picture=lambda index: np.full((120, 160, 3), 128, np.uint8), sound=None
    )


@pytest.fixture
def web_server(tmp_path, monkeypatch):
    """A web server of the folder www, whose clients do not wait long."""
    from pipeline.remote_files import transfer, web

    monkeypatch.setattr(transfer, "WAIT_S", 0.01)
    monkeypatch.setattr(transfer, "PATIENCE_S", 0.1)
    monkeypatch.setattr(transfer, "LOOK_PATIENCE_S", 0.1)
    monkeypatch.setattr(web, "READ_S", 0.5)
    (tmp_path / "www").mkdir()
    with serving(tmp_path / "www") as running:
        yield running


def _rich(path: Path, seconds: float, cues: list[tuple[str, float, float]]) -> Path:
    return make_clip(path, size=(320, 240), fps=12, seconds=seconds, picture=_face_and_word, subtitles=cues)


def _face_and_word(index: int) -> np.ndarray:
    import cv2
    from skimage import data

    picture = numbered(index, (320, 240)) // 4 + 150
    face = cv2.resize(np.ascontiguousarray(data.astronaut()[:260, 90:350]), (120, 120), interpolation=cv2.INTER_AREA)
    left = 30 + 4 * (index % 30)
    picture[20:140, left : left + 120] = face
    cv2.putText(picture, "HARBOR", (60, 210), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (0, 0, 0), 4, cv2.LINE_AA)
    return picture
