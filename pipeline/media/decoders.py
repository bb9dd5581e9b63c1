"""Reads frames at given times with PyAV (any file) or decord (files on which both give the same pixels)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.media.container import DEFAULT_FPS, open_container, pick_video
from pipeline.media.picture import Display, Painter, open_decoder
from pipeline.media.raw_streams import demux, is_raw

SLACK_S = 1e-3
"""Frame times that differ by less than this are the same: containers round to a millisecond."""

SEEK_FROM_S = 2.0
"""Seek only when the first wanted frame is later than this: decoding two seconds is as cheap as a seek."""

DECORD_BATCH = 16

TimedFrame = tuple[int, NDArray[np.uint8]]
"""(index into the wanted times, (H, W, 3) uint8 RGB)"""


def decode_frames(container: Any, stream: Any) -> Iterator[Any]:
    """The frames of a PyAV stream; packets that cannot be decoded are skipped."""
    import av

    decoder = open_decoder(stream)
    if decoder is None:
        return
    decoder.thread_type = "NONE"  # parallelism is across videos; threads inside one only cost memory
    packets = demux(container, stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.error.FFmpegError, IndexError):  # IndexError: see _packet_times in video.py
            return
        try:
            yield from (frame for frame in decoder.decode(packet) if frame.pts is not None)
        except av.error.FFmpegError:
            continue


def pyav_frames(
    path: Path, times_s: NDArray[np.float64], last_s: float, display: Display | None = None, seek: bool = True
) -> Iterator[TimedFrame]:
    """For each of the rising `times_s` the frame shown then, native size, as a player shows it, decoded by PyAV.

    `last_s` is the presentation time of the file's last frame, `display` how the file is shown (None: as the first
    frame that is decoded asks for). Frames that cannot be decoded are left out.
    """
    with open_container(path) as container:
        stream: Any = pick_video(container)
        sought = seek and times_s[0] > SEEK_FROM_S and not is_raw(container)
        painter = Painter(stream, display)
        start_s = (container.start_time or 0) / 1e6
        if sought:
            container.seek(int((times_s[0] + start_s) * 1e6), backward=True)
        current, next_index, time_s = None, 0, 0.0
        for frame in decode_frames(container, stream):
            time_s = float(frame.pts * stream.time_base) - start_s
            if current is None and sought and time_s > times_s[0] + SLACK_S:
                break  # the seek landed too late, as in AVI files without an index: read from the start instead
            # When the first frame comes after the first wanted time, it stands for that time too.
            ready = int(np.searchsorted(times_s, time_s - SLACK_S / 2)) if current is not None else next_index
            yield from _repeat(current, painter, range(next_index, ready))
            next_index, current = max(next_index, ready), frame
            if next_index == len(times_s):
                return
        else:
            # The last frame stays on screen. When it did not decode, the last decoded one counts for two frames' time.
            grace_s = 2.0 / float(stream.average_rate or DEFAULT_FPS)
            covered_s = time_s + grace_s if time_s < last_s - SLACK_S else np.inf
            until = int(np.searchsorted(times_s, covered_s, side="right")) if current is not None else next_index
            yield from _repeat(current, painter, range(next_index, until))
            return
    yield from pyav_frames(path, times_s, last_s, display, seek=False)


def _repeat(frame: Any, painter: Painter, indices: range) -> Iterator[TimedFrame]:
    """The frame's pixels for each of the indices; converted once, and only if there is an index."""
    if len(indices):
        pixels = painter.rgb(frame)
        yield from ((index, pixels) for index in indices)


def open_decord(path: Path, frame_times_s: NDArray[np.float64]) -> Any | None:
    """A decord reader whose frame count and times agree with `frame_times_s`, or None when PyAV must be used."""
    try:
        import decord
    except ImportError:
        return None
    decord.logging.set_level(decord.logging.FATAL)
    try:
        reader = decord.VideoReader(str(path.resolve()), ctx=decord.cpu(0), num_threads=1)
        if len(reader) != len(frame_times_s):
            return None
        starts_s = np.asarray(reader.get_frame_timestamp(range(len(reader))))[:, 0]
    except (decord.DECORDError, RuntimeError):  # decord raises both
        return None
    return reader if np.allclose(starts_s, frame_times_s, rtol=0, atol=SLACK_S) else None


def decord_frames(
    reader: Any, times_s: NDArray[np.float64], frame_times_s: NDArray[np.float64]
) -> Iterator[TimedFrame]:
    """For each of the rising `times_s` the frame shown then, read in batches of DECORD_BATCH."""
    frame_index = np.searchsorted(frame_times_s, times_s + SLACK_S / 2, side="right") - 1
    frame_index = np.maximum(frame_index, 0)
    for first in range(0, len(times_s), DECORD_BATCH):
        batch = reader.get_batch(frame_index[first : first + DECORD_BATCH].tolist()).asnumpy()
        yield from ((first + offset, pixels) for offset, pixels in enumerate(batch))
