"""One interface to a video file: what is in it, its frames at given times, its sound, its subtitles.

Times are seconds on the clock of the container (presentation times, 0 = the container's start), never index / fps:
variable frame rates, late streams and missing durations all occur. Which decoder serves a file is private to this
module and never shows in the pixels (a test compares both).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DecodeError
from pipeline.media.container import DEFAULT_FPS, open_container, pick_video, reason, subtitle_streams
from pipeline.media.decoders import TimedFrame, decoded, decord_frames, open_decord, pyav_frames

DECODE_VERSION = 1
"""Raised by hand when the decoded frames or samples change; part of every expert's recipe."""

MAX_DECORD_PIXELS = 1920 * 1088
"""Larger frames go through PyAV, one at a time: decord holds a batch of them."""

SPARSE_S = 0.5
"""From one wanted frame to the next; measured at 25, 5 and 1 fps on five files of 240 to 1080 lines."""


@dataclass(frozen=True)
class VideoInfo:
    """What a file holds, read from its packets without decoding them."""

    frame_times_s: NDArray[np.float64]
    """(F,) presentation times, rising; empty when there is no video stream."""
    end_s: float
    """Where the last frame ends; 0 when there is no video stream."""
    duration_s: float
    """The longer of picture and sound."""
    width_px: int
    height_px: int
    """As shown, rotation applied."""
    has_audio: bool
    has_subtitles: bool
    progressive_h264: bool
    """Of 8 bits a colour: the only kind of picture on which all decoders agree in every pixel."""
    note: str
    """A shortfall in words, e.g. a file that was cut; empty when all is well."""

    @property
    def has_video(self) -> bool:
        """Whether there is a picture at all."""
        return len(self.frame_times_s) > 0


def probe(path: Path) -> VideoInfo:
    """What `path` holds; DecodeError when nothing in it can be read. Reads the file once, decodes one frame."""
    with open_container(path) as container:
        video = pick_video(container)
        if video is None and not container.streams.audio:
            raise DecodeError(f"{path.name}: neither a video nor an audio stream")
        times, end_s, num_packets = _packet_times(container, video) if video else (np.zeros(0), 0.0, 0)
        declared = _declared_frames(video, end_s) if video else 0
        note = f"{num_packets} of {declared} frames are in the file" if num_packets < declared else ""
        width, height, progressive = _first_frame(path) if len(times) else (0, 0, False)
        duration_s = end_s if note else max(end_s, (container.duration or 0) / 1e6)
        text_track = bool(subtitle_streams(container))
        progressive_h264 = progressive and video is not None and video.codec_context.name == "h264"
        sound = bool(container.streams.audio)
        return VideoInfo(times, end_s, duration_s, width, height, sound, text_track, progressive_h264, note)


def frames_at(path: Path, times_s: NDArray[np.float64], info: VideoInfo, decoder: str = "auto") -> Iterator[TimedFrame]:
    """For each of the rising `times_s` the frame shown then, as (index into times_s, (H, W, 3) uint8 RGB).

    Native size, rotation applied. Frames that do not decode are left out: a damaged file gives fewer.
    `decoder` is "auto", "decord" (where it may) or "pyav"; the pixels are the same.
    """
    if not len(times_s) or not info.has_video:
        return
    done = 0
    chosen = decoder == "decord" or (decoder == "auto" and _decord_is_faster(times_s, info))
    reader = open_decord(path, info.frame_times_s) if chosen and _decord_may(info) else None
    if reader is not None:
        import decord

        try:
            for index, pixels in decord_frames(reader, times_s, info.frame_times_s):
                yield index, pixels
                done = index + 1
        except (decord.DECORDError, RuntimeError):
            reader = None  # what it could not read, PyAV may
    if reader is None:
        for index, pixels in pyav_frames(path, times_s[done:], float(info.frame_times_s[-1])):
            yield done + index, _of_one_size(pixels, info)


def _packet_times(container: Any, stream: Any) -> tuple[NDArray[np.float64], float, int]:
    """Presentation times of the frames that are shown, the end of the last, and how many packets the file holds."""
    import av

    start_s = (container.start_time or 0) / 1e6
    times: list[float] = []
    end_s, num_packets = 0.0, 0
    try:
        for packet in container.demux(stream):
            if packet.size == 0:
                continue
            num_packets += 1
            # An edit list hides frames on purpose: their packets are there, marked to be discarded.
            if packet.pts is None or packet.is_discard:
                continue
            time_s = float(packet.pts * packet.time_base) - start_s
            times.append(time_s)
            end_s = max(end_s, time_s + float((packet.duration or 0) * packet.time_base))
    except (av.error.FFmpegError, IndexError) as error:
        # PyAV 18 ends an MPEG-TS in which another stream appears late with an IndexError; all packets were given.
        if not times:
            raise DecodeError(f"the video stream cannot be read: {reason(error)}") from None
    frame_times = np.unique(np.array([time_s for time_s in times if time_s >= 0], np.float64))
    if len(frame_times) and end_s <= frame_times[-1]:
        end_s = float(frame_times[-1] + 1 / (stream.average_rate or DEFAULT_FPS))
    return frame_times, end_s, num_packets


def _declared_frames(stream: Any, end_s: float) -> int:
    """How many frames the header promises; 0 where the picture lasts as long as it says, whatever their number.

    AVI files count pictures that are left out because they repeat the one before.
    """
    rate = stream.average_rate or DEFAULT_FPS
    promised_s = float((stream.duration or 0) * stream.time_base)
    return int(stream.frames) if end_s + 1.5 / rate < promised_s else 0


def _first_frame(path: Path) -> tuple[int, int, bool]:
    """Width and height as shown of the first frame, and whether it is progressive and of 8 bits; or zeros."""
    with open_container(path) as container:
        frame = next(decoded(container, pick_video(container)), None)
    if frame is None:
        return 0, 0, False
    width, height = (frame.height, frame.width) if frame.rotation % 180 else (frame.width, frame.height)
    eight_bits = all(component.bits <= 8 for component in frame.format.components)
    return width, height, eight_bits and not frame.interlaced_frame


def _of_one_size(pixels: NDArray[np.uint8], info: VideoInfo) -> NDArray[np.uint8]:
    """A picture may change its size on the way (calls and broadcasts do); all frames get that of the first."""
    import cv2

    if not info.width_px or pixels.shape[:2] == (info.height_px, info.width_px):
        return pixels
    resized = cv2.resize(pixels, (info.width_px, info.height_px), interpolation=cv2.INTER_AREA)
    return np.asarray(resized, np.uint8)


def _decord_is_faster(times_s: NDArray[np.float64], info: VideoInfo) -> bool:
    """Where most frames between are skipped; but not for a piece of a long file, all of which decord reads to open it.

    A reader that is kept open for the next piece is no way out: it decodes ahead, and its process grew to 1.4 GB.
    """
    span_s = float(times_s[-1] - times_s[0])
    return span_s >= SPARSE_S * len(times_s) and 2 * span_s >= info.end_s


def _decord_may(info: VideoInfo) -> bool:
    return info.progressive_h264 and not info.note and info.width_px * info.height_px <= MAX_DECORD_PIXELS
