"""The two decoders: PyAV, which reads everything, and decord, for the files on which both agree in every pixel."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.media.container import DEFAULT_FPS, open_container, pick_video

SLACK_S = 1e-3
"""Frame times of two readers that differ by less than this are the same: containers round to a millisecond."""

SEEK_FROM_S = 2.0
"""Seek only when the first wanted frame is later than this: decoding two seconds is as cheap as a seek."""

DECORD_BATCH = 16

TimedFrame = tuple[int, NDArray[np.uint8]]


def decoded(container: Any, stream: Any) -> Iterator[Any]:
    """The frames that decode; what does not is skipped packet by packet."""
    import av

    stream.thread_type = "NONE"  # parallelism is across videos; threads inside one only cost memory
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.error.FFmpegError, IndexError):
            return
        try:
            yield from (frame for frame in packet.decode() if frame.pts is not None)
        except av.error.FFmpegError:
            continue


def pyav_frames(path: Path, times_s: NDArray[np.float64], last_s: float, seek: bool = True) -> Iterator[TimedFrame]:
    """As `frames_at`; `last_s` is when the last frame of the file is shown first."""
    from av.video.reformatter import VideoReformatter

    reformatter = VideoReformatter()
    sought = seek and times_s[0] > SEEK_FROM_S
    with open_container(path) as container:
        stream: Any = pick_video(container)
        start_s = (container.start_time or 0) / 1e6
        if sought:
            container.seek(int((times_s[0] + start_s) * 1e6), backward=True)
        shown, wanted, time_s = None, 0, 0.0
        for frame in decoded(container, stream):
            time_s = float(frame.pts * stream.time_base) - start_s
            if shown is None and sought and time_s > times_s[0] + SLACK_S:
                break  # a seek that lands too late, as in AVI files without an index: read from the start instead
            # A first frame after the first wanted time stands for it: nothing was shown before.
            ready = int(np.searchsorted(times_s, time_s - SLACK_S / 2)) if shown is not None else wanted
            yield from _repeat(shown, reformatter, range(wanted, ready))
            wanted, shown = max(wanted, ready), frame
            if wanted == len(times_s):
                return
        else:
            # The last frame stays. When it did not decode, all but two frames' time after the last that did is missing.
            grace_s = 2.0 / float(stream.average_rate or DEFAULT_FPS)
            covered_s = time_s + grace_s if time_s < last_s - SLACK_S else np.inf
            until = int(np.searchsorted(times_s, covered_s, side="right")) if shown is not None else wanted
            yield from _repeat(shown, reformatter, range(wanted, until))
            return
    yield from pyav_frames(path, times_s, last_s, seek=False)


def _repeat(frame: Any, reformatter: Any, indices: range) -> Iterator[TimedFrame]:
    """The frame's pixels once for each index; converted only if there is one."""
    if len(indices):
        pixels = reformatter.reformat(frame, format="rgb24").to_ndarray()
        turns = round(frame.rotation / 90) % 4
        pixels = np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels
        yield from ((index, pixels) for index in indices)


def open_decord(path: Path, frame_times_s: NDArray[np.float64]) -> Any | None:
    """A decord reader whose frame count and times agree with the container's, or None: PyAV serves the file then."""
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
    """For each wanted time the frame shown then, a few at a time."""
    frame_index = np.searchsorted(frame_times_s, times_s + SLACK_S / 2, side="right") - 1
    frame_index = np.maximum(frame_index, 0)
    for first in range(0, len(times_s), DECORD_BATCH):
        batch = reader.get_batch(frame_index[first : first + DECORD_BATCH].tolist()).asnumpy()
        yield from ((first + offset, pixels) for offset, pixels in enumerate(batch))
