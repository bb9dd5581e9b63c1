import numpy as np
import pytest

from extractors.base import AudioNeed
from extractors.extraction import segments
from extractors.extraction.audio_view import audio_view
from pipeline.errors import DecodeError
from pipeline.media.video import probe
from tests.clips import AUDIO_HZ, make_clip, tone
from tests.sounds import write_sound

SEGMENT_S = segments.SEGMENT_S


def sound_clip(path, seconds):
    """Sound whose every sample tells its place: a ramp, uncompressed, 44100 / 4 a second once resampled."""
    samples = np.linspace(-0.9, 0.9, round(seconds * AUDIO_HZ)).astype(np.float32)
    return make_clip(path, codec="", sound=samples, sound_codec="pcm_s16le")


def in_segments(path, need, seconds):
    """The items and times of all segments, and their notes."""
    number = segments.num_segments(seconds)
    found = [audio_view(path, need, (index * SEGMENT_S, (index + 1) * SEGMENT_S)) for index in range(number)]
    items = np.concatenate([view.windows for view, _ in found])
    return items, np.concatenate([view.times_s for view, _ in found]), [note for _, note in found]


@pytest.mark.parametrize(("window_s", "hop_s"), [(1.0, 1.0), (1.0, 0.5), (0.5, 1.0)])
@pytest.mark.parametrize("seconds", [0.2, 1.0, 3.4, 3.6])
def test_sound_is_cut_by_window_and_hop(tmp_path, seconds, window_s, hop_s):
    path = sound_clip(tmp_path / "a.mov", seconds)
    view, note = audio_view(path, AudioNeed(AUDIO_HZ, window_s, hop_s), (0, SEGMENT_S))
    assert note == ""
    ramp = np.linspace(-0.9, 0.9, round(seconds * AUDIO_HZ))
    starts_s = [number * hop_s for number in range(100)]
    # At least half of an item must be sound; the first counts whatever it is.
    starts_s = [start_s for start_s in starts_s if start_s + window_s / 2 <= seconds + 1e-9 or start_s == 0]
    assert len(view.starts) == len(starts_s)
    for item, start_s, times_s in zip(view.windows, starts_s, view.times_s, strict=True):
        first = round(start_s * AUDIO_HZ)
        wanted = np.zeros(round(window_s * AUDIO_HZ))
        piece = ramp[first : first + len(wanted)]
        wanted[: len(piece)] = piece
        np.testing.assert_allclose(item, wanted, atol=1e-4)
        np.testing.assert_allclose(times_s, [start_s, min(start_s + window_s, seconds)], atol=1e-3)


@pytest.mark.parametrize(("window_s", "hop_s"), [(0.96, 0.96), (10.0, 5.0), (30.0, 30.0), (1.0, 0.3)])
def test_segments_of_sound_together_are_what_one_look_would_give(tmp_path, window_s, hop_s):
    path = sound_clip(tmp_path / "a.mov", 70)
    need = AudioNeed(8000, window_s, hop_s)
    items, times_s, _ = in_segments(path, need, 70)
    whole, _ = audio_view(path, need, (0, 128))
    np.testing.assert_allclose(times_s, whole.times_s, atol=1e-6)
    # The ends of the whole are the only edges of its resampling; a ramp of 1.8 in 70 s hides none larger than this.
    np.testing.assert_allclose(items, whole.windows, atol=2e-3)
    np.testing.assert_allclose(whole.times_s[:, 0], np.arange(len(whole.times_s)) * hop_s, atol=1e-6)


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.ts"])
@pytest.mark.parametrize(
    ("pieces_s", "loud_s"),
    [
        ([(50.0, 0.0, 20.0)], [(50, 70)]),  # begins after the first segment
        ([(0.0, 0.0, 10.0)], [(0, 10)]),  # ends before the picture
        ([(0.0, 0.0, 5.0), (115.0, 5.0, 15.0)], [(0, 5), (115, 125)]),  # pauses for more than a segment
    ],
)
def test_there_is_silence_where_a_stream_of_sound_has_none_up_to_its_end(tmp_path, name, pieces_s, loud_s):
    path = write_sound(tmp_path / name, tone(20, rate_hz=48000)[None], codec="aac", pieces_s=pieces_s, picture_s=130)
    begin_s = probe(path).frame_times_s[0]  # a .ts begins with what the encoder puts before the sound
    need = AudioNeed(8000, 1.0, 1.0)
    items, times_s, notes = in_segments(path, need, 130)
    assert not any(notes)
    assert abs(len(items) - loud_s[-1][1]) <= 1
    np.testing.assert_allclose(times_s[:, 0], np.arange(len(items)), atol=1e-6)
    for item, (start_s, end_s) in zip(items, times_s - begin_s, strict=True):
        level = np.sqrt(np.mean(item**2))
        if any(start_s >= from_s + 0.1 and end_s <= to_s - 0.1 for from_s, to_s in loud_s):
            assert level == pytest.approx(0.5 / np.sqrt(2), rel=0.05)
        elif all(end_s < from_s - 0.1 or start_s > to_s + 0.1 for from_s, to_s in loud_s):
            assert level < 1e-3
    whole, _ = audio_view(path, need, (0, 130))
    # An encoder's noise where the sound sets in depends on what the decoder heard before.
    np.testing.assert_allclose(items, whole.windows, atol=0.03)


def test_a_fault_of_a_few_samples_is_a_note_and_one_of_all_is_an_error(tmp_path):
    samples = tone(40, rate_hz=8000)[None].copy()
    samples[0, 250000:250010] = np.nan  # at 31.25 s, which the second segment reads for the sake of its edge
    path = write_sound(tmp_path / "a.mkv", samples, rate_hz=8000, codec="pcm_f32le")
    _, _, notes = in_segments(path, AudioNeed(8000, 1.0, 1.0), 40)
    assert notes == ["samples of the sound that are no numbers, silence now: 10", ""]
    path.write_bytes(path.read_bytes().replace(b"A_PCM", b"A_ZZZ"))
    with pytest.raises(DecodeError, match="the audio stream cannot be decoded"):
        audio_view(path, AudioNeed(8000, 1.0, 1.0), (0, SEGMENT_S))
