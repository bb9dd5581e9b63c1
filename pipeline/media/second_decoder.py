"""Reads frames with decord: a second decoder, with an FFmpeg of its own, for files that have made PyAV hang or crash.

On plain, undamaged H.264 both give the same pixels at the same times (a test compares them); it serves nothing else.
They are RGB, so that what is shrunk of them has been rounded before, and is a level darker than by PyAV (shrinking.py).
It is not the first choice: at low rates PyAV leaves out frames that nobody needs (`Cursor.want_only`), and takes half
of decord's time.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import OutageError, RemoteError
from pipeline.media.cursor import SLACK_S
from pipeline.media.decoders import TimedFrame
from pipeline.media.h264 import has_only_frames
from pipeline.media.info import VideoInfo
from pipeline.media.picture import Display
from pipeline.remote_files.files import on_disk

MAX_PIXELS = 1920 * 1088
"""Larger frames would take too much memory: decord holds a batch of them."""

BATCH = 16


def is_plain_h264(stream: Any, frame: Any, display: Display) -> bool:
    """Whether the frames of a PyAV stream are H.264, progressive, 8 bits, and only have to be converted to RGB."""
    eight_bits = all(component.bits <= 8 for component in frame.format.components)
    is_h264 = stream.codec_context.name == "h264" and has_only_frames(stream.codec_context.extradata)
    return is_h264 and eight_bits and display.is_plain(frame)


def is_exact(info: VideoInfo) -> bool:
    """Whether decord gives the pixels of PyAV for a file of these properties."""
    return info.is_plain_h264 and info.seekable and not info.note and info.width_px * info.height_px <= MAX_PIXELS


def decord_frames(path: Path, times_s: NDArray[np.float64], info: VideoInfo) -> Iterator[TimedFrame]:
    """For each of the rising `times_s` the frame shown then; ends early where decord fails, at once if it is not here.

    It does not begin unless its own number and times of frames agree with those of `info`: it does not heed edit lists.
    """
    reader = _open(path, info.frame_times_s) if is_exact(info) else None
    if reader is None:
        return
    import decord

    shown = np.searchsorted(info.frame_times_s, times_s + SLACK_S / 2, side="right") - 1
    shown = np.maximum(shown, 0)
    for first in range(0, len(times_s), BATCH):
        try:
            batch = reader.get_batch(shown[first : first + BATCH].tolist()).asnumpy()
        except (decord.DECORDError, RuntimeError):  # decord raises both
            return
        yield from ((first + offset, pixels) for offset, pixels in enumerate(batch))


def _open(path: Path, frame_times_s: NDArray[np.float64]) -> Any | None:
    try:
        import decord
    except ImportError:
        return None
    decord.logging.set_level(decord.logging.FATAL)
    try:
        reader = decord.VideoReader(str(on_disk(path).resolve()), ctx=decord.cpu(0), num_threads=1)
        if len(reader) != len(frame_times_s):
            return None
        starts_s = np.asarray(reader.get_frame_timestamp(range(len(reader))))[:, 0]
    except OutageError:
        raise
    except (decord.DECORDError, RuntimeError, RemoteError):
        return None
    return reader if np.allclose(starts_s, frame_times_s, rtol=0, atol=SLACK_S) else None
