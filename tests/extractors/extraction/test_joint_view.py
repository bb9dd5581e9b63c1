import itertools

import numpy as np
import pytest

from extractors.base import AudioNeed, FrameNeed, JointNeed, SpreadNeed, SubtitleNeed
from extractors.extraction import views
from extractors.extraction.segments import Segment
from pipeline.errors import DecodeError
from pipeline.media.video import probe
from tests.clips import AUDIO_HZ, make_clip, numbered, tone, write_srt

RATE_HZ = 8000
CLIPS = SpreadNeed(3, clip_s=10.0, size_px=(16, 16))
SOUND = AudioNeed(RATE_HZ, 10.0, 10.0, least_s=0.1)
ALL = JointNeed(CLIPS, SOUND, SubtitleNeed())


def shown(path, need, *others, index=0):
    return views.decode_views(Segment(path, "key", index, ()), probe(path), {need, *others})[need]


def clip(path, seconds=24.0, **settings):
    picture = lambda index: numbered(index, (64, 40))  # noqa: E731
    return make_clip(path, size=(64, 40), fps=2, seconds=seconds, picture=picture, **settings)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """70 s of picture, 45 s of sound that is louder from second to second, and words."""
    path = tmp_path_factory.mktemp("joint") / "told.mp4"
    levels = np.repeat(np.arange(45) / 50, AUDIO_HZ)
    clip(path, 70.0, sound=(levels * 2 * tone(45.0)).astype(np.float32), gop=10)
    write_srt(path.with_suffix(".srt"), [("one two", 0, 2), ("three", 31, 33), ("four", 35, 36), ("five", 69, 70)])
    return path


def test_each_item_has_the_sound_and_the_words_of_its_time(told):
    pieces = [shown(told, ALL, index=index).view for index in range(3)]
    starts_s = np.concatenate([piece.times_s[:, 0] for piece in pieces])
    np.testing.assert_allclose(starts_s, np.arange(7) * 10.0)
    heard, words = [], []
    for piece in pieces:
        for at, (first, stop) in zip(piece.sound_items, piece.word_spans, strict=True):
            heard.append(None if at < 0 else piece.sound.windows[at])
            words.append(piece.words.words[first:stop].tolist())
    assert words == [["one", "two"], [], [], ["three", "four"], [], [], ["five"]], "also those of the segment after"
    assert [one is None for one in heard] == [False] * 5 + [True] * 2, "the sound ends after 45 s"
    for number, samples in enumerate(heard[:4]):
        loudness = np.sqrt(2 * np.mean(samples.reshape(10, RATE_HZ) ** 2, axis=1))
        np.testing.assert_allclose(loudness, (np.arange(10) + 10 * number) / 50, atol=0.03)
    assert np.abs(heard[4][6 * RATE_HZ :]).max() < 0.02, "silence pads the last one"


def test_its_parts_are_what_each_need_alone_is_shown(told):
    joint = shown(told, ALL).view
    np.testing.assert_array_equal(joint.frames.frames, shown(told, CLIPS).view.frames)
    alone = shown(told, SOUND).view
    np.testing.assert_array_equal(joint.sound.windows[joint.sound_items], alone.windows[: len(joint.sound_items)])


def test_it_is_shown_the_same_alone_and_beside_others(told):
    alone, beside = shown(told, ALL).view, shown(told, ALL, FrameNeed(2.0), SOUND, SpreadNeed(4), SubtitleNeed()).view
    np.testing.assert_array_equal(alone.frames.frames, beside.frames.frames)
    np.testing.assert_array_equal(alone.sound.samples, beside.sound.samples)
    np.testing.assert_array_equal(alone.words.words, beside.words.words)


def test_what_a_video_has_not_is_left_out_with_a_note(tmp_path):
    mute = shown(clip(tmp_path / "mute.mp4", sound=None), ALL)
    assert mute.view.sound is None
    assert mute.view.sound_items.tolist() == [-1, -1]
    assert (mute.note, mute.failed) == ("no audio stream", False)
    assert mute.view.words.words.tolist() == []
    assert mute.view.word_spans.tolist() == [[0, 0], [0, 0]]
    without = shown(clip(tmp_path / "plain.mp4"), JointNeed(CLIPS)).view
    assert (without.sound, without.words) == (None, None)


def test_without_a_picture_there_are_no_items(tmp_path):
    found = shown(make_clip(tmp_path / "sound.mp4", codec="", seconds=1.0), ALL)
    assert (found.view, found.note, found.failed) == (None, "no video stream", False)


def test_a_segment_after_the_picture_has_ended_has_no_items(tmp_path):
    path = clip(tmp_path / "a.mp4", 1.0, sound=np.zeros(40 * AUDIO_HZ, np.float32))
    found = shown(path, ALL, index=1)
    assert (len(found.view.times_s), found.view.sound, found.failed) == (0, None, False)


def test_sound_that_cannot_be_read_is_a_failure_of_the_whole_and_of_no_other_need(told, monkeypatch):
    def broken(*args, **how):
        raise DecodeError("damaged")

    monkeypatch.setattr(views, "audio_view", broken)
    found = shown(told, ALL)
    assert (found.view, found.note, found.failed) == (None, "damaged", True)
    assert not shown(told, CLIPS, ALL).failed


@pytest.mark.parametrize("hop_s", [0.5, 2.0])
def test_the_window_that_goes_on_when_an_item_begins_is_its_sound(told, hop_s):
    need = JointNeed(FrameNeed(0.8), AudioNeed(RATE_HZ, 2.0, hop_s))
    view = shown(told, need).view
    for start_s, at in itertools.islice(zip(view.times_s[:, 0], view.sound_items, strict=True), 20):
        begins_s = view.sound.times_s[at, 0]
        assert begins_s <= start_s + 1e-6 < begins_s + hop_s


def test_a_clip_of_a_file_has_the_sound_and_the_words_of_its_own_times(told):
    """From 20 to 45 s of the file, in two pieces."""
    pieces = [Segment(told, "key", index, (), clip_s=(20.0, 45.0)) for index in (0, 1)]
    found = [views.decode_views(piece, probe(told), {ALL})[ALL].view for piece in pieces]
    assert [one.times_s[:, 0].tolist() for one in found] == [[0.0, 10.0], [20.0]]
    words = [one.words.words[first:stop].tolist() for one in found for first, stop in one.word_spans]
    assert words == [[], ["three", "four"], []]
    (first, *_), alone = found[0].sound.windows[found[0].sound_items], shown(told, SOUND).view
    np.testing.assert_allclose(np.abs(first).mean(), np.abs(alone.windows[2]).mean(), rtol=0.01)
