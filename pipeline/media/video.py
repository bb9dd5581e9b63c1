"""Probes a video file and reads its frames at given times.

Times are presentation times in seconds, 0 = the start of the container, never index / fps: variable frame rates, late
streams and missing durations all occur. This module chooses the decoder; the pixels do not depend on it (a test
compares both).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DecodeError
from pipeline.media.container import DEFAULT_FPS, open_container, pick_video, reason, subtitle_streams
from pipeline.media.decoders import TimedFrame, decode_frames, decord_frames, open_decord, pyav_frames
from pipeline.media.h264 import has_only_frames
from pipeline.media.picture import AS_IT_IS, Display, too_large
from pipeline.media.raw_streams import demux

DECODE_VERSION = 2
"""Raised by hand when the decoded frames or samples change; part of every expert's recipe."""

MAX_DECORD_PIXELS = 1920 * 1088
"""Larger frames are read by PyAV, one at a time: decord holds a batch of them in memory."""

SPARSE_S = 0.5
"""Mean distance of the wanted frames from which on decord is faster; measured at 25, 5 and 1 fps on five files of 240p
to 1080p."""


@dataclass(frozen=True)
class VideoInfo:
    """Properties of a video file, read from its packets; only the first frame is decoded."""

    frame_times_s: NDArray[np.float64]
    """(F,) presentation times, rising; empty when there is no video stream."""
    end_s: float
    """End of the last frame; 0 when there is no video stream."""
    duration_s: float
    """The longer of the video and audio streams."""
    width_px: int
    height_px: int
    """As displayed: pixels made square, rotation applied."""
    has_audio: bool
    has_subtitles: bool
    plain_h264: bool
    """H.264, 8 bits per channel, and nothing but RGB to be made of the frames (`Display.is_plain`): the only files on
    which all decoders give the same pixels."""
    note: str
    """A shortfall in words, e.g. of a truncated file; empty when there is none."""
    display: Display = AS_IT_IS
    """How the frames are to be shown."""

    @property
    def has_video(self) -> bool:
        """Whether there is at least one frame."""
        return len(self.frame_times_s) > 0


def probe(path: Path) -> VideoInfo:
    """The properties of the file at `path`; DecodeError when nothing in it can be read.

    Reads the whole file once and decodes one frame.
    """
    with open_container(path) as container:
        video = pick_video(container)
        if video is None and not container.streams.audio:
            raise DecodeError(f"{path.name}: neither a video nor an audio stream")
        times, end_s, num_packets = _packet_times(container, video) if video else (np.zeros(0), 0.0, 0)
        declared = _declared_frames(video, end_s) if video else 0
        note = f"{num_packets} of {declared} frames are in the file" if num_packets < declared else ""
        width, height, display, plain = _first_frame(path) if len(times) else (0, 0, AS_IT_IS, False)
        duration_s = end_s if note else max(end_s, (container.duration or 0) / 1e6)
        note = "; ".join(filter(None, (note, too_large(video) if video else "")))
        has_audio, has_subtitles = bool(container.streams.audio), bool(subtitle_streams(container))
        return VideoInfo(times, end_s, duration_s, width, height, has_audio, has_subtitles, plain, note, display)


def frames_at(path: Path, times_s: NDArray[np.float64], info: VideoInfo, decoder: str = "auto") -> Iterator[TimedFrame]:
    """For each of the rising `times_s` the frame shown then, as (index into times_s, (H, W, 3) uint8 RGB).

    Native size, as a player shows it (see picture.py). Frames that cannot be decoded are left out, so a damaged file
    gives fewer. `decoder` is "auto", "decord" (PyAV where decord cannot be used) or "pyav"; the pixels are the same.
    """
    if not len(times_s) or not info.has_video:
        return
    done = 0
    use_decord = decoder == "decord" or (decoder == "auto" and _decord_is_faster(times_s, info))
    reader = open_decord(path, info.frame_times_s) if use_decord and _decord_is_exact(info) else None
    if reader is not None:
        import decord

        try:
            for index, pixels in decord_frames(reader, times_s, info.frame_times_s):
                yield index, pixels
                done = index + 1
        except (decord.DECORDError, RuntimeError):
            reader = None  # PyAV may read the rest
    if reader is None:
        for index, pixels in pyav_frames(path, times_s[done:], float(info.frame_times_s[-1]), info.display):
            yield done + index, _resized_to_first(pixels, info)


def _packet_times(container: Any, stream: Any) -> tuple[NDArray[np.float64], float, int]:
    """Presentation times of the visible frames (F,), the end of the last one, and the number of packets."""
    import av

    start_s = (container.start_time or 0) / 1e6
    times: list[float] = []
    end_s, num_packets = 0.0, 0
    try:
        for packet in demux(container, stream):
            if packet.size == 0:
                continue
            num_packets += 1
            # An edit list hides frames on purpose: their packets are in the file, flagged to be discarded.
            if packet.pts is None or packet.is_discard:
                continue
            time_s = float(packet.pts * packet.time_base) - start_s
            times.append(time_s)
            end_s = max(end_s, time_s + float((packet.duration or 0) * packet.time_base))
    except (av.error.FFmpegError, IndexError) as error:
        # PyAV 18 raises IndexError after the last packet of an MPEG-TS in which a stream appears late.
        if not times:
            raise DecodeError(f"the video stream cannot be read: {reason(error)}") from None
    frame_times = np.unique(np.array([time_s for time_s in times if time_s >= 0], np.float64))
    if len(frame_times) and end_s <= frame_times[-1]:
        end_s = float(frame_times[-1] + 1 / (stream.average_rate or DEFAULT_FPS))
    return frame_times, end_s, num_packets


def _declared_frames(stream: Any, end_s: float) -> int:
    """The number of frames in the header if the video is shorter than the header says, otherwise 0.

    The number alone proves nothing: AVI headers also count frames that are left out because they repeat the last one.
    """
    rate = stream.average_rate or DEFAULT_FPS
    declared_s = float((stream.duration or 0) * stream.time_base)
    return int(stream.frames) if end_s + 1.5 / rate < declared_s else 0


def _first_frame(path: Path) -> tuple[int, int, Display, bool]:
    """Displayed width and height of the first frame, how the file is shown, and `VideoInfo.plain_h264`.

    (0, 0, AS_IT_IS, False) when no frame decodes.
    """
    with open_container(path) as container:
        stream: Any = pick_video(container)
        frame = next(decode_frames(container, stream), None)
        if frame is None:
            return 0, 0, AS_IT_IS, False
        display = Display.of(stream, frame)
        eight_bits = all(component.bits <= 8 for component in frame.format.components)
        h264 = stream.codec_context.name == "h264" and has_only_frames(stream.codec_context.extradata)
        return *display.size_px(frame), display, h264 and eight_bits and display.is_plain(frame)


def _resized_to_first(pixels: NDArray[np.uint8], info: VideoInfo) -> NDArray[np.uint8]:
    """The frame in the size of the first one: in video calls and broadcasts the size may change within a stream."""
    import cv2

    if not info.width_px or pixels.shape[:2] == (info.height_px, info.width_px):
        return pixels
    resized = cv2.resize(pixels, (info.width_px, info.height_px), interpolation=cv2.INTER_AREA)
    return np.asarray(resized, np.uint8)


def _decord_is_faster(times_s: NDArray[np.float64], info: VideoInfo) -> bool:
    """Whether decord is faster: it skips frames well, but reads the whole file to open it, too much for a short span.

    Keeping the reader open for the next span does not help: it decodes ahead, and its process grew to 1.4 GB.
    """
    span_s = float(times_s[-1] - times_s[0])
    return span_s >= SPARSE_S * len(times_s) and 2 * span_s >= info.end_s


def _decord_is_exact(info: VideoInfo) -> bool:
    """Whether decord gives the pixels of PyAV, for an undamaged file of moderate frame size."""
    return info.plain_h264 and not info.note and info.width_px * info.height_px <= MAX_DECORD_PIXELS
