"""Reads a time span of a video's audio as mono samples at any sample rate."""

import functools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DecodeError
from pipeline.media.container import open_container

MARGIN_S = 1.0
"""Decoded on both sides of the span, so that the edge effects of the resampler fall outside it."""

JITTER_S = 0.05
"""Deviations from gapless audio below this are rounding of the timestamps (Matroska counts milliseconds), not gaps."""

Block = tuple[int, NDArray[np.float32]]
"""(index of its first sample on the container's clock, mono samples)"""

Resampler = Literal["soxr", "kaiser", "kaiser16"]
"""soxr: fast, with the steeper cutoff; kaiser: resampy's windowed sinc, with which librosa and many audio networks were
used; kaiser16: the same after rounding to 16 bits, as in a .wav file."""

KAISER_ZEROS, KAISER_BETA, KAISER_ROLLOFF = 50, 12.9846, 0.9173
"""resampy's `kaiser_best`: zero crossings on each side, beta of the window, cutoff as a part of the Nyquist rate."""


def read_audio(
    path: Path, rate_hz: int, start_s: float, stop_s: float, resampler: Resampler = "soxr"
) -> NDArray[np.float32]:
    """Samples (S,) in -1..1 from `start_s` to `stop_s`, the mean of all channels; fewer where the audio ends earlier.

    Empty when the file has no audio stream or the audio ends before `start_s`. A stream that begins late is preceded by
    silence. DecodeError when there is an audio stream and nothing in it decodes.
    """
    with open_container(path) as container:
        if not container.streams.audio:
            return np.zeros(0, np.float32)
        stream = container.streams.best("audio") or container.streams.audio[0]
        if stream.codec_context is None or not stream.codec_context.sample_rate:
            raise DecodeError("the audio stream cannot be decoded")
        source_hz = stream.codec_context.sample_rate
        # A whole second, so that a resampled sample falls exactly on start_s whatever the two sample rates are.
        from_s = max(0, int(start_s - MARGIN_S))
        samples = _span(container, stream, from_s, stop_s + MARGIN_S)
    resampled = _resample(samples, source_hz, rate_hz, resampler)
    first = round((start_s - from_s) * rate_hz)
    return resampled[first : first + round((stop_s - start_s) * rate_hz)]


def _span(container: Any, stream: Any, from_s: int, to_s: float) -> NDArray[np.float32]:
    source_hz = stream.codec_context.sample_rate
    start_s = (container.start_time or 0) / 1e6
    if from_s > 0:
        container.seek(int((from_s + start_s) * 1e6), backward=True)
    blocks: list[Block] = []
    for first, samples in _aligned(_decoded_blocks(container, stream, start_s), source_hz):
        if first >= to_s * source_hz:
            break
        blocks.append((first, samples))
    if not blocks and from_s == 0:
        raise DecodeError("the audio stream cannot be decoded")
    return _concatenate(blocks, from_s * source_hz)


def _decoded_blocks(container: Any, stream: Any, start_s: float) -> Iterator[tuple[float, NDArray[np.float32]]]:
    """(time in seconds, mono samples) of each frame that can be decoded."""
    import av
    from av.audio.resampler import AudioResampler

    to_float = AudioResampler(format="fltp")
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.error.FFmpegError, IndexError):  # IndexError: see video.py
            return
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            continue
        for frame in frames:
            if frame.pts is not None and frame.samples:
                time_s = float(frame.pts * frame.time_base) - start_s
                for converted in to_float.resample(frame):
                    yield time_s, converted.to_ndarray().mean(axis=0, dtype=np.float32)


def _aligned(blocks: Iterator[tuple[float, NDArray[np.float32]]], source_hz: int) -> Iterator[Block]:
    """Each block with the index of its first sample; blocks are contiguous unless the timestamps jump by JITTER_S."""
    expected: int | None = None
    for time_s, samples in blocks:
        stamped = round(time_s * source_hz)
        first = stamped if expected is None or abs(stamped - expected) > JITTER_S * source_hz else expected
        yield first, samples
        expected = first + len(samples)


def _concatenate(blocks: list[Block], origin: int) -> NDArray[np.float32]:
    """The samples from index `origin` on, with silence in the gaps between the blocks."""
    end = max((first + len(samples) for first, samples in blocks), default=origin)
    joined = np.zeros(max(0, end - origin), np.float32)
    for first, samples in blocks:
        num_skipped = min(max(0, origin - first), len(samples))  # a seek lands some blocks before the origin
        start = max(0, first + num_skipped - origin)
        joined[start : start + len(samples) - num_skipped] = samples[num_skipped:]
    return joined


def _resample(samples: NDArray[np.float32], source_hz: int, rate_hz: int, resampler: Resampler) -> NDArray[np.float32]:
    if source_hz == rate_hz or not len(samples):
        return samples
    if resampler != "soxr":
        from scipy.signal import resample_poly

        common = math.gcd(source_hz, rate_hz)
        up, down = rate_hz // common, source_hz // common
        exact = samples.astype(np.float64)
        signal = np.round(exact * 32768).clip(-32768, 32767) / 32768 if resampler == "kaiser16" else exact
        return np.asarray(resample_poly(signal, up, down, window=_kaiser_sinc(up, down)), np.float32)
    import soxr

    resampled: NDArray[np.float32] = soxr.resample(samples, source_hz, rate_hz, quality="HQ")
    return resampled


@functools.lru_cache(maxsize=8)
def _kaiser_sinc(up: int, down: int) -> NDArray[np.float64]:
    """The low-pass filter (2 M + 1,) for `resample_poly`, sampled at `up` points per source sample."""
    step = max(up, down)
    half = KAISER_ZEROS * step
    crossings = np.arange(-half, half + 1) / step
    sinc = KAISER_ROLLOFF * np.sinc(KAISER_ROLLOFF * crossings) * np.kaiser(2 * half + 1, KAISER_BETA)
    return np.asarray(sinc / step, np.float64)
