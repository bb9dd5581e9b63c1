import csv
import shutil
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.errors import DecodeError
from pipeline.media import container, cursor, left_open, packets, video
from pipeline.media.video import frames_at, probe
from tests.clips import make_clip, number_in, numbered
from tests.pipeline.media.sample_clips import KINDS, decoded_in_order, numbers


def shown_at(frame_times_s, times_s):
    """The formula: the last frame that began no later; the first one before any began."""
    return {i: max(0, int(np.sum(np.asarray(frame_times_s) <= t + 1e-4)) - 1) for i, t in enumerate(times_s)}


@pytest.mark.parametrize("name", KINDS)
def test_a_file_of_any_kind_is_described_as_it_was_made(clips, name):
    info = probe(clips[name])
    how = KINDS[name]
    count = len(how["times_s"]) if "times_s" in how else round(how.get("seconds", 2.0) * 25)
    assert len(info.frame_times_s) == count
    assert (info.width_px, info.height_px) == how.get("size", (160, 120))
    assert info.has_audio == ("sound" not in how)
    assert not info.has_subtitles
    assert info.note == ""
    assert info.has_video
    assert np.all(np.diff(info.frame_times_s) > 0)
    assert info.end_s == pytest.approx(count / 25 if "times_s" not in how else 2.0, abs=0.1)
    assert info.end_s - 1e-6 <= info.duration_s <= info.end_s + 0.05


@pytest.mark.parametrize("name", KINDS)
def test_each_frame_is_found_at_its_own_time(clips, name):
    times = probe(clips[name]).frame_times_s
    assert numbers(clips[name], times) == {index: index for index in range(len(times))}


@pytest.mark.parametrize("name", KINDS)
def test_a_time_between_two_frames_shows_the_earlier_one(clips, name):
    info = probe(clips[name])
    times = np.sort(np.random.default_rng(3).uniform(0, info.end_s, 40))
    assert numbers(clips[name], times) == shown_at(info.frame_times_s, times)


def test_frames_are_rgb_uint8_and_contiguous(clip):
    info = probe(clip)
    ((_, picture),) = frames_at(clip, np.array([1.0]), info)
    assert (picture.dtype, picture.shape, picture.flags.c_contiguous) == (np.uint8, (120, 160, 3), True)
    # The moving square is red, and the ground blue: neither is if two channels are swapped.
    np.testing.assert_allclose(picture[75, 160 // 3 + 75 % (160 - 160 // 3 - 30) + 15], (230, 60, 30), atol=12)
    np.testing.assert_allclose(picture[30, 100], (60, 90, 140), atol=12)


def test_no_times_give_no_frames(clip):
    assert list(frames_at(clip, np.zeros(0), probe(clip))) == []


def test_a_stream_that_starts_late_shows_its_first_frame_before(tmp_path):
    path = make_clip(tmp_path / "late.mkv", times_s=1 + np.arange(25) / 25)
    info = probe(path)
    assert info.frame_times_s[0] == pytest.approx(1.0, abs=0.002)
    assert numbers(path, [0.0, 0.5, 1.0, 1.5]) == {0: 0, 1: 0, 2: 0, 3: 12}


@pytest.fixture
def opened(monkeypatch):
    """The files that FFmpeg opens from here on."""
    paths = []

    def noted(path):
        paths.append(path)
        return container.open_container(path)

    for module in (cursor, video):
        monkeypatch.setattr(module, "open_container", noted)
    yield paths
    left_open.close()


def read_on(path, times_s):
    return dict(frames_at(path, np.asarray(times_s), probe(path, reads_on=True)))


@pytest.mark.parametrize("name", KINDS)
def test_a_short_file_is_opened_once_for_all_that_is_read_of_it(clips, name, opened):
    info = probe(clips[name])
    for times_s in (info.frame_times_s, info.frame_times_s[::9], info.frame_times_s[:1]):
        expected = dict(frames_at(clips[name], times_s, info))
        opened.clear()
        found = read_on(clips[name], times_s)
        assert opened == [clips[name]]
        assert found.keys() == expected.keys()
        for index, picture in found.items():
            np.testing.assert_array_equal(picture, expected[index])


def test_what_was_probed_to_be_read_on_can_be_read_twice_and_from_anywhere(clip, opened):
    info = probe(clip, reads_on=True)
    assert opened == [clip]
    for times_s in ([0.5], [0.0, 1.9], [1.0], [0.0]):
        ((_, found), *_), ((_, expected), *_) = (frames_at(clip, np.array(times_s), one) for one in (info, probe(clip)))
        np.testing.assert_array_equal(found, expected)


def test_a_file_that_was_replaced_since_it_was_probed_is_opened_anew(tmp_path, opened):
    path = make_clip(tmp_path / "a.mp4", sound=None)
    info = probe(path, reads_on=True)
    make_clip(tmp_path / "b.mp4", sound=None, picture=lambda index: numbered(7)).replace(path)
    ((_, picture),) = frames_at(path, np.array([0.0]), info)
    assert number_in(picture) == 7


@pytest.mark.parametrize("kind", ["long", "large", "heavy", "cut", "sound"])
def test_a_file_that_is_long_large_or_not_whole_is_not_left_open(tmp_path, kind, opened, monkeypatch):
    how = {"long": {"seconds": 33, "fps": 5}, "sound": {"codec": ""}}.get(kind, {})
    path = make_clip(tmp_path / "a.mkv", **how)
    if kind == "large":
        monkeypatch.setattr(video, "LARGE_BYTES", 160 * 120)
    if kind == "heavy":
        monkeypatch.setattr(packets, "KEPT_BYTES", 1000)
    if kind == "cut":
        path.write_bytes(path.read_bytes()[:-3000])
    seen = read_on(path, [0.0, 0.5])
    assert opened == [path] * (1 if kind == "sound" else 3)
    assert seen.keys() == (set() if kind == "sound" else {0, 1})
    assert left_open.take(path) is None


def test_sound_that_outlasts_the_picture_counts_for_the_duration(tmp_path):
    path = make_clip(tmp_path / "long_sound.mp4", seconds=1, sound=np.zeros(3 * 44100, np.float32))
    info = probe(path)
    assert info.end_s == pytest.approx(1.0, abs=0.01)
    assert info.duration_s == pytest.approx(3.0, abs=0.05)


@pytest.mark.parametrize(("degrees", "turns"), [(90, 3), (180, 2), (270, 1)])
def test_a_phone_that_was_held_upright_is_shown_upright(tmp_path, degrees, turns):
    flat = make_clip(tmp_path / "flat.mp4", sound=None, seconds=0.2)
    turned = make_clip(tmp_path / "turned.mp4", sound=None, seconds=0.2, rotation=degrees)
    info = probe(turned)
    assert (info.width_px, info.height_px) == ((160, 120) if degrees == 180 else (120, 160))
    seen = [picture for _, picture in frames_at(turned, info.frame_times_s, info)]
    for picture, native in zip(seen, decoded_in_order(flat), strict=True):
        np.testing.assert_array_equal(picture, np.rot90(native, turns))


def test_subtitles_are_seen(tmp_path):
    assert probe(make_clip(tmp_path / "a.mkv", seconds=1, subtitles=[("hi", 0.1, 0.5)])).has_subtitles


def test_sound_alone_has_no_frames(tmp_path):
    path = make_clip(tmp_path / "sound.mp4", codec="")
    info = probe(path)
    assert (info.has_video, info.has_audio, info.end_s, info.width_px) == (False, True, 0.0, 0)
    assert info.duration_s == pytest.approx(2.0, abs=0.05)
    assert list(frames_at(path, np.array([0.0, 1.0]), info)) == []


def test_sound_with_a_cover_picture_has_no_frames(tmp_path):
    info = probe(make_clip(tmp_path / "song.mp4", codec="", cover=True))
    assert (info.has_video, info.has_audio) == (False, True)


def test_a_cut_file_gives_what_is_left_and_says_how_much(tmp_path):
    path = make_clip(tmp_path / "whole.mp4", seconds=4, options={"movflags": "+faststart"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    info = probe(path)
    left = len(info.frame_times_s)
    assert 20 < left < 80
    assert info.note.startswith(f"{left} of 100 frames are in the file")
    assert info.duration_s == pytest.approx(left / 25, abs=0.1)
    seen = numbers(path, np.arange(0, info.end_s, 1 / 25))
    assert left - 3 <= len(seen) <= left + 3
    assert all(number == index for index, number in list(seen.items())[: left - 4])


def test_a_file_without_its_index_is_an_error(tmp_path):
    path = make_clip(tmp_path / "whole.mp4")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.6)])
    with pytest.raises(DecodeError, match=r"^whole\.mp4: Invalid data found"):
        probe(path)


def test_damage_in_the_middle_costs_only_the_frames_there(tmp_path):
    path = make_clip(tmp_path / "damaged.mp4", seconds=4, sound=None)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 600] = b"\xa5" * 600
    path.write_bytes(data)
    times = np.arange(100) / 25
    seen = numbers(path, times)
    assert all(seen[index] == index for index in range(40)), "before the damage all is well"
    assert all(seen[index] == index for index in range(80, 100)), "and again after the next keyframe"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.mp4", b"", "the file is empty"),
        ("text.mp4", b"<html><body>404 not found</body></html>" * 30, "Invalid data found"),
        ("noise.mkv", bytes(range(256)) * 40, "Invalid data found"),
        ("zeros.avi", bytes(10_000), "Invalid data found"),
    ],
)
def test_what_is_no_video_is_told_in_words(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DecodeError, match=message) as caught:
        probe(tmp_path / name)
    assert str(caught.value).startswith(f"{name}: ")
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP"])
def test_a_still_picture_named_mp4_is_told(tmp_path, kind):
    from PIL import Image

    Image.fromarray(numbered(3)).save(tmp_path / "photo.mp4", format=kind)
    if kind == "GIF":  # a moving picture of one frame
        assert len(probe(tmp_path / "photo.mp4").frame_times_s) == 1
    else:
        with pytest.raises(DecodeError, match=r"photo\.mp4: an image, not a video"):
            probe(tmp_path / "photo.mp4")


def test_a_missing_file_a_folder_and_a_dangling_link_are_told(tmp_path):
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "link.mp4").symlink_to(tmp_path / "gone.mp4")
    for name, message in (
        ("gone.mp4", "No such file"),
        ("link.mp4", "a link to .*, which is not there"),
        ("folder.mp4", "a folder"),
    ):
        with pytest.raises(DecodeError, match=message):
            probe(tmp_path / name)


def test_subtitles_alone_are_no_video(tmp_path):
    (tmp_path / "words.mkv").write_text("1\n00:00:00,000 --> 00:00:01,000\nhi\n\n")
    with pytest.raises(DecodeError, match="a text file, not a video"):
        probe(tmp_path / "words.mkv")


@pytest.mark.parametrize(
    "name",
    [
        "-dash.mp4",
        "concat:a.mp4",
        "http:b.mp4",
        "pipe:0.mp4",
        "frame%03d.mp4",
        "glob*?[x].mp4",
        "two  spaces 'single' \"double\" $(x) ;& #%20.mp4",
        "ünï cödé 日本語 🎬.mp4",
        "new\nline.mp4",
        "x" * 240 + ".mp4",
    ],
)
def test_any_name_is_only_a_name(tmp_path, clip, name, monkeypatch):
    shutil.copy(clip, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path / name, Path(name)):
        assert numbers(path, [0.0, 1.0]) == {0: 0, 1: 25}


def test_a_picture_that_changes_its_size_keeps_that_of_the_first(tmp_path):
    small = make_clip(tmp_path / "small.ts", sound=None, seconds=1)
    tall = make_clip(tmp_path / "tall.ts", sound=None, size=(240, 320), times_s=1 + np.arange(25) / 25)
    path = tmp_path / "both.ts"
    path.write_bytes(small.read_bytes() + tall.read_bytes())
    info = probe(path)
    for times in (info.frame_times_s, info.frame_times_s[-5:]):
        assert {picture.shape for _, picture in frames_at(path, times, info)} == {(120, 160, 3)}


def test_streams_of_an_unknown_kind_are_left_out(tmp_path):
    path = make_clip(tmp_path / "a.mkv", seconds=1, subtitles=[("hi", 0.1, 0.5)])
    path.write_bytes(path.read_bytes().replace(b"S_TEXT/UTF8", b"S_TEXT/ZZZZ"))
    info = probe(path)
    assert (len(info.frame_times_s), info.has_subtitles) == (25, False)
    path.write_bytes(path.read_bytes().replace(b"V_MPEG4/ISO/AVC", b"V_ZZZZZ/ISO/AVC"))
    assert list(frames_at(path, np.array([0.0]), probe(path))) == []


def test_pictures_that_an_avi_leaves_out_are_no_shortfall(tmp_path):
    # B-frames in an AVI: its header counts one picture more than there are packets.
    path = make_clip(tmp_path / "b.avi", codec="mpeg4", seconds=2)
    with av.open(str(path)) as container:
        declared = container.streams.video[0].frames
    info = probe(path)
    assert info.note == "", f"{len(info.frame_times_s)} frames, {declared} declared"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", ["h264.mp4", "h264.mkv", "mpeg4.avi", "h264.ts", "vp9.webm"])
def test_random_damage_gives_frames_or_an_error_in_words(tmp_path, clips, name, seed):
    data = bytearray(clips[name].read_bytes())
    rng = np.random.default_rng(seed)
    for _ in range(30):
        data[rng.integers(len(data))] = rng.integers(256)
    del data[(at := rng.integers(len(data))) : at + rng.integers(2000)]
    path = tmp_path / name
    path.write_bytes(data)
    try:
        info = probe(path)
    except DecodeError:
        return
    seen = list(frames_at(path, np.arange(0, 2, 0.1), info))
    assert all(picture.shape == (info.height_px, info.width_px, 3) for _, picture in seen)


def expected(media):
    with (media / "bad" / "expected.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


SHORTFALL = {"03_truncated_mid.mp4"}
FRAMES = {"09_one_frame.mp4": 1, "11_vfr.mp4": 60, "28_interlaced.avi": 50, "33_huge_frame.mp4": 5}
NOT_A_VIDEO = {"01_zero_byte.mp4", "02_moov_missing.mp4", "21_jpeg_named.mp4", "22_text.mp4"}
SOUND_ONLY = {"06_audio_only.mp4"}


def test_every_bad_file_comes_out_as_expected(media):
    rows = expected(media)
    assert len(rows) >= 20
    for row in rows:
        name = row["file"]
        path = media / "bad" / name
        if name in NOT_A_VIDEO:
            assert "error" in row["expect_status"]
            with pytest.raises(DecodeError):
                probe(path)
            continue
        assert row["expect_status"].startswith("ok"), name
        info = probe(path)
        assert info.has_audio == row["expect_audio"].startswith("yes"), name
        assert bool(info.note) == (name in SHORTFALL), name
        if name in SOUND_ONLY:
            assert not info.has_video
        elif name in SHORTFALL:
            assert 40 <= len(info.frame_times_s) <= 60
        else:
            assert len(info.frame_times_s) == FRAMES.get(name, 100), name
            assert str(len(info.frame_times_s)) in row["expect_video"], name
            times = info.frame_times_s[:: max(1, len(info.frame_times_s) // 4)]
            assert len(list(frames_at(path, times, info))) == len(times), name
    rotated = probe(media / "bad" / "14_rot90.mp4")
    assert (rotated.width_px, rotated.height_px) == (120, 160)
    huge = probe(media / "bad" / "33_huge_frame.mp4")
    assert (huge.width_px, huge.height_px) == (7680, 4320)
    # 5 frames a second, then 25: no constant rate fits.
    assert len(np.unique(np.diff(probe(media / "bad" / "11_vfr.mp4").frame_times_s).round(3))) == 2
