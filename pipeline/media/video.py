"""Probes a video file and reads its frames at given times.

Times are presentation times in seconds, 0 = the beginning of the file, never index / fps: variable frame rates, late
streams and missing durations all occur.
"""

from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DecodeError
from pipeline.media import left_open
from pipeline.media.container import open_container, pick_video, subtitle_streams
from pipeline.media.cursor import LARGE_BYTES, SLACK_S, Cursor
from pipeline.media.decoders import TimedFrame, pyav_shots
from pipeline.media.info import VideoInfo
from pipeline.media.packets import Packets, comes_in_order, read_packets, tells_times
from pipeline.media.picture import AS_IT_IS, Display, Painter, frame_bytes, too_large
from pipeline.media.raw_streams import is_raw
from pipeline.media.second_decoder import decord_frames, is_plain_h264
from pipeline.media.shortfall import notes
from pipeline.media.shown_frame import ShownFrame

__all__ = ["DECODE_VERSION", "PIECE_S", "ShownFrame", "VideoInfo", "frames_at", "probe", "shown_at"]

DECODE_VERSION = 2
"""Raised by hand when the decoded frames or samples change; part of every expert's recipe."""

PIECE_S = 32.0
"""Length of the pieces in which a long video is read; decides whether seeks pay."""


def probe(path: Path, reads_on: bool = False) -> VideoInfo:
    """The properties of the file at `path`; DecodeError when nothing in it can be read.

    Reads the whole file once and decodes one frame. `reads_on`: a short file is left open with its packets, so that
    `frames_at` goes on in it where it would open, read and decode it again; until the next such file is.
    """
    with ExitStack() as closing:
        file = left_open.file_at(path) if reads_on else None
        container = closing.enter_context(open_container(path))
        video = pick_video(container)
        if video is None and not container.streams.audio:
            raise DecodeError(f"{path.name}: neither a video nor an audio stream")
        kept: list[Any] | None = [] if file and video is not None and frame_bytes(video) <= LARGE_BYTES else None
        seen = read_packets(container, video, kept)
        if video is not None and not len(seen.frame_times_s) and seen.error:
            raise DecodeError(f"the video stream cannot be read: {seen.error}")
        told = notes(path, container, video, seen)
        cursor = _at_start(container, video, seen, kept) if kept and _is_short(seen, told) else None
        if cursor is not None:
            closing.callback(cursor.close)
        first = _first_frame(path, cursor) if len(seen.frame_times_s) else _First()
        if file and cursor and first.width_px:
            cursor.painter = Painter(video, first.display)
            left_open.leave(file, cursor)
            closing.pop_all()  # the cursor closes the container when it is closed
        return VideoInfo(
            frame_times_s=seen.frame_times_s,
            end_s=seen.end_s,
            duration_s=seen.duration_s,
            width_px=first.width_px,
            height_px=first.height_px,
            has_audio=bool(container.streams.audio),
            has_subtitles=bool(subtitle_streams(container)),
            note="; ".join(filter(None, [*told, too_large(video) if video else ""])),
            display=first.display,
            seekable=seen.num_jumps == 0 and not is_raw(container) and not _seeks_cost_more(seen),
            tells_times=video is not None and tells_times(container, video, seen),
            comes_in_order=comes_in_order(video, seen),
            is_plain_h264=first.is_plain_h264,
        )


def frames_at(
    path: Path,
    times_s: NDArray[np.float64],
    info: VideoInfo,
    next_s: float = np.inf,
    damaged: set[int] | None = None,
    by_decord: bool = False,
) -> Iterator[TimedFrame]:
    """For each of the rising `times_s` the frame shown then, as (index into times_s, (H, W, 3) uint8 RGB).

    Native size, as a player shows it (see picture.py). Frames that cannot be decoded are left out, so a damaged file
    gives fewer; the indices of those that were decoded with errors are added to `damaged`. Pass the time from which on
    the next call will want frames of the same file as `next_s`: a file that cannot be sought is then read on from here.
    `by_decord`: by decord as far as it shows the same, for a second try where PyAV has hung or crashed.
    """
    for index, frame in shown_at(path, times_s, info, next_s, damaged, by_decord):
        yield index, frame.rgb()
        del frame


def shown_at(
    path: Path,
    times_s: NDArray[np.float64],
    info: VideoInfo,
    next_s: float = np.inf,
    damaged: set[int] | None = None,
    by_decord: bool = False,
) -> Iterator[tuple[int, ShownFrame]]:
    """As `frames_at`, but each frame is converted when it is asked for: whole, or shrunk."""
    if not len(times_s) or not info.has_video:
        return
    done = 0
    for index, pixels in decord_frames(path, times_s, info) if by_decord else ():
        yield index, ShownFrame(pixels, info)
        done = index + 1
    if done == len(times_s):
        return
    rest_damaged: set[int] = set()
    for indices, shot, painter in pyav_shots(path, times_s[done:], info, next_s, rest_damaged):
        shown = ShownFrame.of(shot.frame, painter, info)
        for index in indices:
            if damaged is not None and index in rest_damaged:
                damaged.add(done + index)
            yield done + index, shown
        del shown, shot  # before the next one comes: one of 8K takes 100 MB


def _seeks_cost_more(seen: Packets) -> bool:
    """Whether seeks to the pieces of PIECE_S make a reading of all frames half as long again, as frames are decoded
    twice that lie between a key frame and the start of a piece.
    """
    starts_s = np.arange(PIECE_S, seen.end_s, PIECE_S)
    if not len(starts_s):
        return False
    key = np.searchsorted(seen.key_times_s, starts_s + SLACK_S, side="right") - 1
    key_times_s = (
        np.where(key >= 0, seen.key_times_s[np.maximum(key, 0)], 0.0) if len(seen.key_times_s) else 0 * starts_s
    )
    at_keys, at_starts = (np.searchsorted(seen.frame_times_s, times_s) for times_s in (key_times_s, starts_s))
    return int((at_starts - at_keys).sum()) > len(seen.frame_times_s) / 2


def _is_short(seen: Packets, told: list[str]) -> bool:
    """Whether the frames of a file are read in one go, and nothing in it is missing or strange."""
    return not told and len(seen.frame_times_s) > 0 and seen.duration_s <= PIECE_S


def _at_start(container: Any, video: Any, seen: Packets, kept: list[Any]) -> Cursor:
    return Cursor.of_packets(container, video, _given_away(kept), comes_in_order(video, seen))


def _given_away(packets: list[Any]) -> Iterator[Any]:
    """The packets, which are not held any longer than until each is asked for."""
    packets.reverse()
    while packets:
        yield packets.pop()


class _First(NamedTuple):
    """What the first frame tells; the defaults where none decodes."""

    width_px: int = 0
    height_px: int = 0
    """As displayed."""
    display: Display = AS_IT_IS
    is_plain_h264: bool = False


def _first_frame(path: Path, at_start: Cursor | None) -> _First:
    """What the first frame of a file tells, which is opened where there is no cursor `at_start`."""
    with nullcontext(at_start) if at_start else Cursor(path) as cursor:
        frame = cursor.first_frame()
        if frame is None:
            return _First()
        display = Display.of(cursor.stream, frame)
        return _First(*display.size_px(frame), display, is_plain_h264(cursor.stream, frame, display))
