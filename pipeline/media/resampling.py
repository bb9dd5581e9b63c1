"""Changes the sample rate of mono sound."""

import functools
import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Resampler = Literal["soxr", "kaiser", "kaiser16"]
"""soxr: fast, with the steeper cutoff; kaiser: resampy's windowed sinc, with which librosa and many audio networks were
used; kaiser16: the same after rounding to 16 bits, as in a .wav file."""

KAISER_ZEROS, KAISER_BETA, KAISER_ROLLOFF = 50, 12.9846, 0.9173
"""resampy's `kaiser_best`: zero crossings on each side, beta of the window, cutoff as a part of the Nyquist rate."""

MAX_STEP = 50_000
"""Between rates with no common measure, such as 191,999 Hz and 16 kHz, the windowed sinc would take hundreds of
megabytes: soxr changes those. All rates up to 50 kHz, and the usual ones above, are below this."""


BLOCK = 4096
"""Samples that are made at once."""


def resample(
    samples: NDArray[np.float32], source_hz: int, rate_hz: int, resampler: Resampler = "soxr"
) -> NDArray[np.float32]:
    """The samples (S,) at `source_hz` as (S * rate_hz / source_hz,) at `rate_hz`."""
    if source_hz == rate_hz or not len(samples):
        return samples
    common = math.gcd(source_hz, rate_hz)
    up, down = rate_hz // common, source_hz // common
    if resampler != "soxr" and max(up, down) <= MAX_STEP:
        exact = samples.astype(np.float64)
        signal = np.round(exact * 32768).clip(-32768, 32767) / 32768 if resampler == "kaiser16" else exact
        return np.asarray(_filtered(signal, up, down), np.float32)
    import soxr

    resampled: NDArray[np.float32] = soxr.resample(samples, source_hz, rate_hz, quality="HQ")
    return resampled


def _filtered(signal: NDArray[np.float64], up: int, down: int) -> NDArray[np.float64]:
    """(S * up / down,), rounded up: as scipy.signal's `resample_poly` with this filter, which takes 1.6 s to import.

    Sample n of the output lies n * down / up samples into the input. So every `up`-th one has the same weights, for
    inputs that begin `down` samples further on.
    """
    weights, num = _kaiser_sinc(up, down) * up, -(-len(signal) * up // down)
    taps = -(-len(weights) // up)
    by_phase = np.zeros((taps, up))
    by_phase.reshape(-1)[: len(weights)] = weights
    backwards = np.ascontiguousarray(by_phase[::-1].T)  # BLAS takes no reversed columns: all takes twice as long
    reach = len(weights) // 2
    padded = np.concatenate([np.zeros(taps), signal, np.zeros(taps)])
    result = np.empty(num)
    for first in range(min(up, num)):
        end, phase = divmod(first * down + reach, up)  # of the last input that the first of these samples sees
        seen = np.lib.stride_tricks.sliding_window_view(padded[end + 1 :], taps)[::down]
        places = result[first::up]
        for at in range(0, len(places), BLOCK):
            block = np.ascontiguousarray(seen[at : min(at + BLOCK, len(places))])
            places[at : at + BLOCK] = block @ backwards[phase]
    return result


@functools.lru_cache(maxsize=4)
def _kaiser_sinc(up: int, down: int) -> NDArray[np.float64]:
    """The low-pass filter (2 M + 1,) for `resample_poly`, sampled at `up` points per source sample."""
    step = max(up, down)
    half = KAISER_ZEROS * step
    crossings = np.arange(-half, half + 1) / step
    sinc = KAISER_ROLLOFF * np.sinc(KAISER_ROLLOFF * crossings) * np.kaiser(2 * half + 1, KAISER_BETA)
    return np.asarray(sinc / step, np.float64)
