"""The sound of a video as mono samples of any rate, cut to any span of time."""

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
"""Decoded on both sides of the span, so that the resampler's edges fall outside it."""

JITTER_S = 0.05
"""Timestamps that stray less than this from gapless sound are rounding (Matroska counts milliseconds), not gaps."""

Block = tuple[int, NDArray[np.float32]]

Resampler = Literal["soxr", "kaiser", "kaiser16"]
"""soxr: fast, with the steeper edge; kaiser: resampy's windowed sinc, which librosa and many audio networks were used
with; kaiser16: the same of sound that was rounded to 16 bits before, as in a .wav file."""

KAISER_ZEROS, KAISER_BETA, KAISER_ROLLOFF = 50, 12.9846, 0.9173
"""resampy's `kaiser_best`: zero crossings on each side, shape of the window, edge as a part of the Nyquist rate."""


def read_audio(
    path: Path, rate_hz: int, start_s: float, stop_s: float, resampler: Resampler = "soxr"
) -> NDArray[np.float32]:
    """Samples (S,) in -1..1 from `start_s` on, the mean of all channels; fewer than asked for where the sound ends.

    Empty when the file has no audio stream or the sound ends before `start_s`. Where a stream begins late there is
    silence. DecodeError when an audio stream is there and nothing of it decodes.
    """
    with open_container(path) as container:
        if not container.streams.audio:
            return np.zeros(0, np.float32)
        stream = container.streams.best("audio") or container.streams.audio[0]
        if stream.codec_context is None or not stream.codec_context.sample_rate:
            raise DecodeError("the audio stream cannot be decoded")
        source_hz = stream.codec_context.sample_rate
        # A whole second, so that a resampled sample falls exactly on start_s whatever the two rates are.
        from_s = max(0, int(start_s - MARGIN_S))
        sound = _span(container, stream, from_s, stop_s + MARGIN_S)
    resampled = _resample(sound, source_hz, rate_hz, resampler)
    first = round((start_s - from_s) * rate_hz)
    return resampled[first : first + round((stop_s - start_s) * rate_hz)]


def _span(container: Any, stream: Any, from_s: int, to_s: float) -> NDArray[np.float32]:
    source_hz = stream.codec_context.sample_rate
    start_s = (container.start_time or 0) / 1e6
    if from_s > 0:
        container.seek(int((from_s + start_s) * 1e6), backward=True)
    blocks: list[Block] = []
    for first, samples in _placed(_decoded_blocks(container, stream, start_s), source_hz):
        if first >= to_s * source_hz:
            break
        blocks.append((first, samples))
    if not blocks and from_s == 0:
        raise DecodeError("the audio stream cannot be decoded")
    return _lay_out(blocks, from_s * source_hz)


def _decoded_blocks(container: Any, stream: Any, start_s: float) -> Iterator[tuple[float, NDArray[np.float32]]]:
    """(time in seconds, mono samples) of each frame that decodes."""
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


def _placed(blocks: Iterator[tuple[float, NDArray[np.float32]]], source_hz: int) -> Iterator[Block]:
    """Each block with its first sample's place on the clock; gapless unless the timestamps really jump."""
    expected: int | None = None
    for time_s, samples in blocks:
        told = round(time_s * source_hz)
        first = told if expected is None or abs(told - expected) > JITTER_S * source_hz else expected
        yield first, samples
        expected = first + len(samples)


def _lay_out(blocks: list[Block], origin: int) -> NDArray[np.float32]:
    end = max((first + len(samples) for first, samples in blocks), default=origin)
    sound = np.zeros(max(0, end - origin), np.float32)
    for first, samples in blocks:
        cut = min(max(0, origin - first), len(samples))  # a seek lands blocks before the origin
        place = max(0, first + cut - origin)
        sound[place : place + len(samples) - cut] = samples[cut:]
    return sound


def _resample(sound: NDArray[np.float32], source_hz: int, rate_hz: int, resampler: Resampler) -> NDArray[np.float32]:
    if source_hz == rate_hz or not len(sound):
        return sound
    if resampler != "soxr":
        from scipy.signal import resample_poly

        common = math.gcd(source_hz, rate_hz)
        up, down = rate_hz // common, source_hz // common
        fine = sound.astype(np.float64)
        shown = np.round(fine * 32768).clip(-32768, 32767) / 32768 if resampler == "kaiser16" else fine
        return np.asarray(resample_poly(shown, up, down, window=_kaiser_sinc(up, down)), np.float32)
    import soxr

    resampled: NDArray[np.float32] = soxr.resample(sound, source_hz, rate_hz, quality="HQ")
    return resampled


@functools.lru_cache(maxsize=8)
def _kaiser_sinc(up: int, down: int) -> NDArray[np.float64]:
    """The filter (2 M + 1,) on the grid of `up` points a sample that `resample_poly` takes."""
    step = max(up, down)
    half = KAISER_ZEROS * step
    crossings = np.arange(-half, half + 1) / step
    sinc = KAISER_ROLLOFF * np.sinc(KAISER_ROLLOFF * crossings) * np.kaiser(2 * half + 1, KAISER_BETA)
    return np.asarray(sinc / step, np.float64)
