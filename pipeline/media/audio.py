"""Reads a time span of a video's audio as mono samples at any sample rate.

Times are those of the picture: 0 = the start of the container. The rate, the layout and the format of the sound may
change within a file; each piece is mixed and resampled as what it is.
"""

import dataclasses
import functools
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DecodeError
from pipeline.media.container import open_container, pick_audio
from pipeline.media.mono import MAX_LEVEL, MonoMixer
from pipeline.media.resampling import Resampler
from pipeline.media.sound_clock import JITTER_S, Block, placed
from pipeline.media.sound_span import SoundSpan
from pipeline.media.timeline import packets
from pipeline.remote_files.files import version_of

__all__ = ["Resampler", "Sound", "read_audio", "read_sound"]

MARGIN_S = 1.0
"""Decoded on both sides of the span, so that the edge effects of the resampler fall outside it."""

PREROLL_S, PREROLL_PACKETS = 1.0, 4
"""Decoded before the margin, until the decoder has the state that it would have after decoding from the start."""

UNDECODED = "packets of the sound that do not decode"
INVALID = "samples of the sound that are no numbers, silence now"
CLIPPED = f"samples of the sound that are cut off at {MAX_LEVEL:g}"


@dataclasses.dataclass(frozen=True)
class Sound:
    """The sound of a span of time."""

    samples: NDArray[np.float32]
    """(S,), mono, see `MonoMixer`."""
    note: str
    """What is missing or wrong, in words; empty when nothing is."""


def read_sound(
    path: Path, rate_hz: int, start_s: float, stop_s: float, resampler: Resampler = "soxr", seek: bool = True
) -> Sound:
    """The sound from `start_s` to `stop_s`; shorter where the audio ends earlier.

    Empty when the file has no audio stream, nothing is in it, or it ends before `start_s`. There is silence before a
    stream that begins late, and in holes. `seek` says whether the file may be sought. DecodeError when there is an
    audio stream and nothing in it decodes.
    """
    # A whole second, so that a resampled sample falls exactly on start_s whatever the two sample rates are.
    from_s = max(0, int(start_s - MARGIN_S))
    span = _known_or_read(path, from_s, stop_s + MARGIN_S, seek)
    first = round((start_s - from_s) * rate_hz)
    samples = span.resampled(rate_hz, resampler)[first : first + round((stop_s - start_s) * rate_hz)]
    return Sound(samples, span.note(start_s, stop_s))


def read_audio(
    path: Path, rate_hz: int, start_s: float, stop_s: float, resampler: Resampler = "soxr"
) -> NDArray[np.float32]:
    """The samples (S,) of `read_sound`."""
    return read_sound(path, rate_hz, start_s, stop_s, resampler).samples


def _known_or_read(path: Path, from_s: int, to_s: float, seek: bool) -> SoundSpan:
    """The span, without reading it where it is known to be silent.

    To know that a span is silent, the file is read up to the next sound: in the worst case to its end, which for each
    span of a long file anew would take hours.
    """
    # What is no file is told when it is opened.
    silences = _silences(version_of(path)) if path.exists() else []
    for begin_s, end_s in silences:
        if from_s > 0 and begin_s <= from_s and to_s <= end_s:
            return SoundSpan(from_s, to_s, next_s=end_s)
    span = _read_span(path, from_s, to_s, seek)
    if not span.pieces and not span.faults:
        silences.append((from_s, span.next_s))
    return span


@functools.lru_cache(maxsize=2)
def _silences(version: tuple[object, ...]) -> list[tuple[float, float]]:
    """Start and end of the silences that were found in a file so far; the end is infinite after its last sound."""
    return []


def _read_span(path: Path, from_s: int, to_s: float, seek: bool) -> SoundSpan:
    span = SoundSpan(from_s, to_s)
    with open_container(path) as container:
        if not container.streams.audio:
            return span
        stream = pick_audio(container)
        if stream is None:
            raise DecodeError("the audio stream cannot be decoded")
        seeks = seek and from_s > 0
        if not seeks or _sought(container, from_s):
            _fill(span, packets(container, stream, from_start=not seeks))
    if seeks and (span.first_s is None or span.first_s > from_s + JITTER_S):
        # The seek landed too late, as in AVI files without an index; or there is silence.
        return _read_span(path, from_s, to_s, seek=False)
    if from_s == 0 and span.first_s is None and span.num_packets:
        raise DecodeError("the audio stream cannot be decoded")
    span.is_empty = from_s == 0 and not span.num_packets
    return span


def _sought(container: Any, time_s: float) -> bool:
    import av

    try:
        container.seek(int(time_s * 1e6) + (container.start_time or 0), backward=True)
    except av.error.FFmpegError:
        return False
    return True


def _fill(span: SoundSpan, source: Iterator[Any]) -> None:
    """Places the sound of the packets in the span."""
    for first, block in placed(_blocks(span, source)):
        span.place(first, block.samples, block.rate_hz)
        if span.next_s < np.inf:
            return


def _blocks(span: SoundSpan, source: Iterator[Any]) -> Iterator[Block]:
    """The sound that can be decoded, from PREROLL_S before the span on."""
    import av

    mixer = MonoMixer()
    for frame in _frames(span, source):
        time_s = None if frame.pts is None else _seconds(frame.pts, frame.time_base)
        try:
            mixed = mixer.mix(frame)
        except (av.error.FFmpegError, ValueError):
            span.faults.append((UNDECODED, time_s or 0.0, 1))
            continue
        for what, number in ((INVALID, mixed.num_invalid), (CLIPPED, mixed.num_clipped)):
            if number:
                span.faults.append((what, time_s or 0.0, number))
        yield Block(time_s, mixed.samples, frame.sample_rate, frame.layout.name)


def _frames(span: SoundSpan, source: Iterator[Any]) -> Iterator[Any]:
    import av

    for packet in _wanted_packets(span, source):
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            if packet.pts is not None:
                span.faults.append((UNDECODED, _seconds(packet.pts, packet.time_base), 1))
            continue
        yield from (frame for frame in frames if frame.samples and frame.sample_rate)


def _wanted_packets(span: SoundSpan, source: Iterator[Any]) -> Iterator[Any]:
    """The packets from PREROLL_S before the span on, and the last few before those, if before a silence."""
    import av

    before: deque[Any] = deque(maxlen=PREROLL_PACKETS)
    while True:
        try:
            packet = next(source)
        except (StopIteration, av.error.FFmpegError, IndexError):  # IndexError: see video.py
            return
        span.num_packets += packet.size > 0
        end = None if packet.pts is None else packet.pts + (packet.duration or 0)
        if end is not None and _seconds(end, packet.time_base) < span.from_s - PREROLL_S:
            before.append(packet)
            continue
        yield from before
        before.clear()
        yield packet


def _seconds(ticks: int, time_base: Fraction) -> float:
    """As float(ticks * time_base), in a tenth of the time: it is asked for every packet and frame."""
    return ticks * time_base.numerator / time_base.denominator
