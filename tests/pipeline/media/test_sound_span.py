import numpy as np
import pytest

from pipeline.errors import DecodeError
from pipeline.media.sound_span import SoundSpan


def sine(rate_hz, from_s, to_s):
    at_s = np.arange(round(from_s * rate_hz), round(to_s * rate_hz)) / rate_hz
    return (0.5 * np.sin(2 * np.pi * 440 * at_s)).astype(np.float32)


def test_pieces_of_other_rates_join_without_a_seam():
    span = SoundSpan(10, 14.0)
    span.place(round(9.5 * 44100), sine(44100, 9.5, 12), 44100)
    span.place(12 * 48000, sine(48000, 12, 13), 48000)
    span.place(13 * 44100, sine(44100, 13, 13.5), 44100)
    found = span.resampled(16000, "soxr")
    assert len(found) == 3.5 * 16000
    difference = np.abs(found - sine(16000, 10, 13.5))
    inside = np.ones(len(found), bool)
    for edge_s in (0, 2, 3, 3.5):  # a filter needs some ms on both sides
        inside[max(0, round((edge_s - 0.01) * 16000)) : round((edge_s + 0.01) * 16000)] = False
    assert difference[inside].max() < 5e-3
    assert difference.max() < 0.2


def test_what_comes_later_in_the_file_replaces_what_was_there():
    span = SoundSpan(0, 2.0)
    span.place(0, np.full(1600, 0.5, np.float32), 1000)
    span.place(2000, np.full(2000, 0.25, np.float32), 2000)
    assert span.pieces[1000].tolist() == [0.5] * 1000 + [0] * 1000
    assert span.pieces[2000].tolist() == [0] * 2000 + [0.25] * 2000


def test_the_sound_ends_where_it_ends_and_with_silence_where_it_goes_on():
    span = SoundSpan(5, 8.0)
    span.place(5 * 1000 + 500, np.ones(500, np.float32), 1000)
    assert len(span.resampled(1000, "soxr")) == 1000
    span.place(9 * 1000, np.ones(500, np.float32), 1000)
    assert span.resampled(1000, "soxr").tolist() == [0] * 500 + [1] * 500 + [0] * 2000
    assert len(SoundSpan(5, 8.0).resampled(1000, "soxr")) == 0


@pytest.mark.parametrize("first", [-5000, 0, 4999, 5000, 7999, 8000, 10**9])
def test_what_lies_outside_of_the_span_is_left_out(first):
    span = SoundSpan(5, 8.0)
    span.place(first, np.ones(1, np.float32), 1000)
    found = span.resampled(1000, "soxr")
    assert found.sum() == (5000 <= first < 8000)
    assert len(found) == min(3000, max(0, first - 4999))
    assert (span.next_s, span.first_s) == (first / 1000 if first >= 8000 else np.inf, first / 1000)


def test_rates_that_no_recording_has_are_told():
    with pytest.raises(DecodeError, match="2000000000 Hz"):
        SoundSpan(0, 34.0).place(0, np.ones(8, np.float32), 2_000_000_000)
    span = SoundSpan(0, 34.0)
    with pytest.raises(DecodeError, match="sample rate"):
        for rate_hz in range(8000, 8100):
            span.place(0, np.ones(8, np.float32), rate_hz)
