import sys

import numpy as np
import pytest

from benchmarks import decoding_peers
from benchmarks.decoding_peers import PEERS, Asked, by_ffmpeg, missing, with_libraries
from tests.clips import make_clip, number_in


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    path = make_clip(tmp_path_factory.mktemp("numbered") / "a.mp4", size=(320, 240), seconds=2)
    return Asked(path, np.arange(10) / 5, 5.0, (160, 120))


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_that_is_here_shows_the_frames_that_are_asked_for(asked, name):
    if name in missing():
        pytest.skip(missing()[name])
    frames = PEERS[name](asked)
    assert [number_in(frame) for frame in frames] == list(range(0, 50, 5))
    assert {frame.shape for frame in frames} == {(120, 160, 3)}


def test_what_the_program_writes_into_its_pipe_are_the_frames(tmp_path, monkeypatch, asked):
    program = tmp_path / "ffmpeg"
    size = 160 * 120 * 3
    writes = f"import sys; sys.stdout.buffer.write(bytes([7]) * {size} + bytes([9]) * {size})"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{writes}'\n")
    program.chmod(0o755)
    monkeypatch.setattr(decoding_peers, "ffmpeg", lambda: program)
    assert [int(frame.mean()) for frame in by_ffmpeg(asked)] == [7, 9]


def test_without_torchcodec_the_program_is_not_started_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(decoding_peers.importlib.util, "find_spec", lambda name: None)
    with_libraries(tmp_path / "libraries")
    assert not (tmp_path / "libraries").exists()


def test_torchcodec_finds_links_to_the_libraries_of_pyav(tmp_path, monkeypatch):
    import av

    started = []
    monkeypatch.setattr(decoding_peers.importlib.util, "find_spec", lambda name: "here")
    monkeypatch.setattr(decoding_peers.os, "execv", lambda *command: started.append(command))
    monkeypatch.setenv("LD_LIBRARY_PATH", "/before")
    folder = tmp_path / "libraries"
    for _ in range(2):  # the second time the links are there
        monkeypatch.setenv("LD_LIBRARY_PATH", "/before")
        with_libraries(folder)
        assert decoding_peers.os.environ["LD_LIBRARY_PATH"] == f"{folder}:/before"
    major = av.library_versions["libavcodec"][0]
    link = folder / f"libavcodec.so.{major}"
    if not link.exists():
        pytest.skip("this PyAV has no libraries of its own")
    assert link.resolve().name.startswith("libavcodec-")
    with_libraries(folder)
    assert len(started) == 2, "with the path set it goes on"
