"""Files as collections have them, through the manifest and the experts: each is a row that says what there is.

The kinds and their expected values are those of a list of crafted files; frames are counted by how a file was made.
"""

import csv
from typing import NamedTuple

import av
import cv2
import numpy as np
import pytest

from pipeline.datasets import scan
from pipeline.datasets.annotations import DatasetConfig
from pipeline.media.video import probe
from tests.clips import make_clip, numbered
from tests.extractors.run_experts import features_of, named, row_of, run_pass
from tests.inline_jobs import inline_jobs

SIGHT, SOUND, WORDS = "rgb_light", "audio_light", "speech_light"
PRESENT, ABSENT, FAILED = "present", "absent", "failed"
ODD_NAME = "ünï cödé 日本語 'q' \"dq\" $(x) ;& #%20.mp4"


class Kind(NamedTuple):
    """What a file is expected to hold: frames (lowest, highest), sound, and part of its note or problem."""

    frames: tuple[int, int] | int
    sound: bool = False
    note: str = ""
    problem: str = ""


KINDS = {
    "good.mp4": Kind(50, True),
    "zero_byte.mp4": Kind(0, problem="the file is empty"),
    "moov_missing.mp4": Kind(0, problem="Invalid data"),
    "cut.mp4": Kind((10, 40), True, note="of 50 frames"),
    "audio_only.mp4": Kind(0, True),
    "no_audio.mp4": Kind(50),
    "silent.mp4": Kind(50, True),
    "one_frame.mp4": Kind(1),
    "vfr.mp4": Kind(30),
    "rotated.mp4": Kind(50),
    "vp9_opus.webm": Kind(50, True),
    "av1.mp4": Kind(50),
    ODD_NAME: Kind(50, True),
    "jpeg.mp4": Kind(0, problem="an image, not a video"),
    "text.mp4": Kind(0, problem="a web page, not a video"),
    "interlaced.avi": Kind(25),
    "cover.mp4": Kind(50, True),
    "huge.mp4": Kind(2),
    "a/clip.mp4": Kind(50, True),
    "b/clip.mp4": Kind(25, True),
    "a/clip.mkv": Kind(50),
    # of the same kinds
    "noise.mkv": Kind(0, problem="Invalid data"),
    "zeros.avi": Kind(0, problem="nothing but zero bytes, not a video"),
    "dangling.mp4": Kind(0, problem="a link to nowhere.mp4, which is not there"),
    "folder.mp4": Kind(0, problem="a folder, not a file"),
    "gone.mp4": Kind(0, problem="no such file"),
    "cut.ts": Kind((20, 49), True),
    "picture.gif": Kind(50),
    "ten_bits.mp4": Kind(50),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad")
    plain_kinds(folder)
    unreadable_kinds(folder)
    return folder


def plain_kinds(folder):
    for name in ("good.mp4", ODD_NAME, "a/clip.mp4"):
        make_clip(folder / name)
    make_clip(folder / "b" / "clip.mp4", seconds=1)
    make_clip(folder / "a" / "clip.mkv", sound=None)
    make_clip(folder / "audio_only.mp4", codec="")
    make_clip(folder / "no_audio.mp4", sound=None)
    make_clip(folder / "silent.mp4", sound="silence")
    make_clip(folder / "one_frame.mp4", seconds=0.04, sound=None)
    make_clip(folder / "vfr.mp4", times_s=[*np.arange(5) / 5, *(1 + np.arange(25) / 25)], sound=None)
    make_clip(folder / "rotated.mp4", rotation=90, sound=None)
    make_clip(folder / "vp9_opus.webm", codec="libvpx-vp9")
    make_clip(folder / "av1.mp4", codec="libsvtav1", sound=None)
    make_clip(folder / "cover.mp4", cover=True)
    huge = numbered(0, (7680, 4320))
    make_clip(folder / "huge.mp4", size=(7680, 4320), fps=2, seconds=1, sound=None, picture=lambda index: huge)
    make_clip(folder / "picture.gif", codec="gif", sound=None)
    make_clip(folder / "ten_bits.mp4", pixels="yuv420p10le", sound=None)
    interlaced(folder / "interlaced.avi")


def unreadable_kinds(folder):
    (folder / "zero_byte.mp4").touch()
    whole = make_clip(folder / "moov_missing.mp4").read_bytes()
    (folder / "moov_missing.mp4").write_bytes(whole[: len(whole) * 6 // 10])
    whole = make_clip(folder / "cut.mp4", options={"movflags": "faststart"}).read_bytes()
    (folder / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    whole = make_clip(folder / "cut.ts").read_bytes()
    (folder / "cut.ts").write_bytes(whole[: len(whole) * 3 // 4])
    (folder / "jpeg.mp4").write_bytes(cv2.imencode(".jpg", numbered(3))[1].tobytes())
    (folder / "text.mp4").write_text("<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n" * 20)
    (folder / "noise.mkv").write_bytes(np.random.default_rng(0).bytes(10_000))
    (folder / "zeros.avi").write_bytes(bytes(10_000))
    (folder / "dangling.mp4").symlink_to("nowhere.mp4")
    (folder / "folder.mp4").mkdir()


def interlaced(path):
    """MPEG-4 in fields, the lower ones a frame time later, at 12.5 frames per second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25, options={"flags": "+ilme+ildct"})
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for index in range(25):
            picture = numbered(2 * index)
            picture[1::2] = numbered(2 * index + 1)[1::2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


@pytest.fixture(scope="module")
def manifest(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("beside")
    with (elsewhere / "captions.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("video", "caption"), *((name, f"caption of {name}") for name in KINDS)])
    settings = DatasetConfig(videos=str(folder), captions=str(elsewhere / "captions.csv"))
    with inline_jobs():
        return scan.build("bad", settings, elsewhere / "cache.sqlite", 1, 60.0)


@pytest.fixture(scope="module")
def stores(manifest, tmp_path_factory):
    store = tmp_path_factory.mktemp("stores")
    videos = [(manifest.path(video), video) for video in manifest.videos]
    assert run_pass([named(name) for name in (SIGHT, SOUND, WORDS)], videos, store) == {}
    return store


def video_called(manifest, name):
    (video,) = [video for video in manifest.videos if video.video_id == name]
    return video


def test_every_file_is_one_video_with_its_own_captions(manifest):
    assert {video.video_id: [caption.text for caption in video.captions] for video in manifest.videos} == {
        name: [" ".join(f"caption of {name}".split())] for name in KINDS
    }


@pytest.mark.parametrize("name", KINDS)
def test_the_manifest_says_what_a_file_holds(manifest, name):
    kind, video = KINDS[name], video_called(manifest, name)
    assert kind.problem in video.problem and bool(kind.problem) == bool(video.problem)
    assert kind.note in video.note
    assert (video.has_video, video.has_audio) == (kind.frames != 0, kind.sound)
    if not kind.problem:
        low, high = kind.frames if isinstance(kind.frames, tuple) else (kind.frames, kind.frames)
        assert low <= len(probe(manifest.path(video)).frame_times_s) <= high


@pytest.mark.parametrize("name", KINDS)
def test_each_expert_has_a_row_of_it_present_absent_or_failed_with_a_reason(manifest, stores, name):
    kind, video = KINDS[name], video_called(manifest, name)
    expected = {
        SIGHT: FAILED if kind.problem else PRESENT if kind.frames else ABSENT,
        SOUND: FAILED if kind.problem else PRESENT if kind.sound else ABSENT,
        WORDS: FAILED if kind.problem else ABSENT,
    }
    for expert, state in expected.items():
        row = row_of(stores, named(expert), video)
        found = FAILED if row.failed else PRESENT if row.count else ABSENT
        assert (expert, found) == (expert, state), row.reason
        assert row.reason or state == PRESENT or expert == WORDS
        assert np.isfinite(features_of(stores, named(expert), video).values).all()
        if kind.problem:
            assert kind.problem in row.reason


def test_a_rotated_video_and_a_large_one_are_shown_upright_and_whole(manifest):
    assert [probe(manifest.path(video_called(manifest, "rotated.mp4"))).width_px, 120] == [120, 120]
    assert probe(manifest.path(video_called(manifest, "huge.mp4"))).frame_times_s.tolist() == [0.0, 0.5]


def test_equal_names_in_two_folders_or_with_two_suffixes_have_rows_of_their_own(manifest):
    contents = {video_called(manifest, name).content for name in ("a/clip.mp4", "b/clip.mp4", "a/clip.mkv")}
    assert len(contents) == 3
