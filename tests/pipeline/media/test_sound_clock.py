import dataclasses

import numpy as np
import pytest

from pipeline.media.sound_clock import Block, _median, placed

HZ = 44100


def blocks(times_s, size=1024, rate_hz=HZ):
    return [Block(time_s, np.zeros(size, np.float32), rate_hz) for time_s in times_s]


def starts(given):
    return [first for first, _ in placed(given)]


def test_exact_timestamps_are_kept():
    assert starts(blocks([number * 1024 / HZ for number in range(100)])) == [number * 1024 for number in range(100)]
    assert starts(blocks([2 + number * 1024 / HZ for number in range(5)])) == [
        2 * HZ + number * 1024 for number in range(5)
    ]


def test_timestamps_in_milliseconds_make_no_seams_and_say_the_same_from_every_block_on():
    times_s = [round(number * 1024 / HZ, 3) for number in range(500)]
    whole = starts(blocks(times_s))
    assert whole[0] == 0
    assert np.diff(whole).tolist() == [1024] * 499
    for begin in range(0, 400, 7):
        assert abs(starts(blocks(times_s[begin:]))[0] - whole[begin]) <= HZ / 5000


@pytest.mark.parametrize("begin", [0, 3, 40])
def test_a_gap_is_kept(begin):
    times_s = [number * 1024 / HZ + (5 if number >= begin else 0) for number in range(100)]
    assert starts(blocks(times_s)) == [number * 1024 + (5 * HZ if number >= begin else 0) for number in range(100)]


def test_a_missing_block_shifts_what_follows_by_its_length():
    times_s = [number * 1024 / HZ for number in range(200) if number != 50]
    found = np.array(starts(blocks(times_s))) / HZ
    assert np.abs(found - times_s)[:50].max() < 1e-9
    assert np.abs(found - times_s)[70:].max() < 0.001


def test_a_clock_that_drifts_is_followed():
    times_s = [number * 1024 / HZ * 1.002 for number in range(2000)]
    assert np.abs(np.array(starts(blocks(times_s))) / HZ - times_s)[20:].max() < 0.012


def test_jitter_moves_nothing():
    rng = np.random.default_rng(0)
    times_s = [number * 1024 / HZ + rng.uniform(-0.005, 0.005) for number in range(1000)]
    assert set(np.diff(starts(blocks(times_s)))) == {1024}


def test_a_block_without_a_timestamp_follows_the_one_before():
    times_s = [None, None, *[None if number % 3 else number * 1024 / HZ for number in range(60)]]
    assert starts(blocks(times_s)) == [number * 1024 for number in range(60)]


def test_where_the_rate_or_the_layout_changes_the_timestamps_are_followed():
    first = blocks([number * 0.02 for number in range(30)], 441, 22050)
    for begin_s in (0.6, 0.597, 0.63):
        second = blocks([begin_s + number * 0.02 for number in range(30)], 960, 48000)
        wanted = [number * 441 for number in range(30)] + [
            round(begin_s * 48000) + number * 960 for number in range(30)
        ]
        assert starts(first + second) == wanted
    surround = [dataclasses.replace(block, layout="5.1", time_s=block.time_s + 0.597) for block in first]
    assert starts(first + surround)[30] == round(0.597 * 22050)


def test_few_blocks_and_none():
    assert starts([]) == []
    assert starts(blocks([None])) == []
    assert starts(blocks([1.0])) == [HZ]


@pytest.mark.parametrize("number", range(1, 18))
def test_the_median_is_that_of_numpy_to_the_bit(number):
    values = (np.random.default_rng(number).standard_normal(number) / 3).tolist()
    assert _median(values) == np.median(values)
