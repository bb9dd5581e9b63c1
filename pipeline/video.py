"""One interface to a video file: what is in it, its frames at given times, its sound, its subtitles.

Times are seconds on the clock of the container (presentation times, 0 = the container's start), never index / fps:
variable frame rates, late streams and missing durations all occur. Which decoder serves a file is private to this
module and never shows in the pixels (a test compares both).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DecodeError

DECODE_VERSION = 1
"""Raised by hand when the decoded frames or samples change; part of every expert's recipe."""

SLACK_S = 1e-3
"""Frame times of two readers that differ by less than this are the same: containers round to a millisecond."""

SEEK_FROM_S = 2.0
"""Seek only when the first wanted frame is later than this: decoding two seconds is as cheap as a seek."""

MAX_DECORD_PIXELS = 1920 * 1088
"""Larger frames go through PyAV, one at a time: decord holds a batch of them."""

DECORD_BATCH = 16

DEFAULT_FPS = Fraction(25)
"""For a stream that does not tell its rate; only decides how long its last frame is shown."""

TEXT_CODECS = frozenset({"subrip", "srt", "ass", "ssa", "mov_text", "webvtt", "text"})

TimedFrame = tuple[int, NDArray[np.uint8]]


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
    `decoder` is "auto" or "pyav"; the pixels are the same.
    """
    if not len(times_s) or not info.has_video:
        return
    done = 0
    reader = _open_decord(path, info) if decoder == "auto" and _decord_may(info) else None
    if reader is not None:
        import decord

        try:
            for index, pixels in _decord_frames(reader, times_s, info):
                yield index, pixels
                done = index + 1
        except (decord.DECORDError, RuntimeError):
            reader = None  # what it could not read, PyAV may
    if reader is None:
        for index, pixels in _pyav_frames(path, times_s[done:], float(info.frame_times_s[-1])):
            yield done + index, _of_one_size(pixels, info)


def open_container(path: Path) -> Any:
    """The file opened by PyAV; DecodeError in words when it is no media file."""
    import av

    try:
        # "file:" makes any name a file: "-x.mp4", "concat:a" and "http:b" are legal file names.
        container = av.open(f"file:{path.resolve()}", metadata_errors="replace")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        empty = path.exists() and path.stat().st_size == 0
        raise DecodeError(f"{path.name}: {'the file is empty' if empty else reason(error)}") from None
    if container.format.name.endswith("_pipe") or container.format.name == "image2":
        container.close()
        raise DecodeError(f"{path.name}: an image, not a video")
    return container


def pick_video(container: Any) -> Any | None:
    """The video stream that a player would show, or None: the best one that is no attached picture (cover art)."""
    import av

    attached = av.stream.Disposition.attached_pic
    shown = [stream for stream in container.streams.video if not stream.disposition & attached]
    best = container.streams.best("video")
    if best in shown:
        return best
    return shown[0] if shown else None


def subtitle_streams(container: Any) -> list[Any]:
    """The subtitle streams that hold text; bitmap ones (DVD, Blu-ray) and unknown ones are left out."""
    known = [stream for stream in container.streams.subtitles if stream.codec_context is not None]
    return [stream for stream in known if stream.codec_context.name in TEXT_CODECS]


def reason(error: BaseException) -> str:
    """An FFmpeg error in its own words, without its number and without the path."""
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).strip()


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
        frame = next(_decoded(container, pick_video(container)), None)
    if frame is None:
        return 0, 0, False
    width, height = (frame.height, frame.width) if frame.rotation % 180 else (frame.width, frame.height)
    eight_bits = all(component.bits <= 8 for component in frame.format.components)
    return width, height, eight_bits and not frame.interlaced_frame


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
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


def _pyav_frames(path: Path, times_s: NDArray[np.float64], last_s: float, seek: bool = True) -> Iterator[TimedFrame]:
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
        for frame in _decoded(container, stream):
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
    yield from _pyav_frames(path, times_s, last_s, seek=False)


def _repeat(frame: Any, reformatter: Any, indices: range) -> Iterator[TimedFrame]:
    """The frame's pixels once for each index; converted only if there is one."""
    if len(indices):
        pixels = reformatter.reformat(frame, format="rgb24").to_ndarray()
        turns = round(frame.rotation / 90) % 4
        pixels = np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels
        yield from ((index, pixels) for index in indices)


def _of_one_size(pixels: NDArray[np.uint8], info: VideoInfo) -> NDArray[np.uint8]:
    """A picture may change its size on the way (calls and broadcasts do); all frames get that of the first."""
    import cv2

    if not info.width_px or pixels.shape[:2] == (info.height_px, info.width_px):
        return pixels
    resized = cv2.resize(pixels, (info.width_px, info.height_px), interpolation=cv2.INTER_AREA)
    return np.asarray(resized, np.uint8)


def _decord_may(info: VideoInfo) -> bool:
    return info.progressive_h264 and not info.note and info.width_px * info.height_px <= MAX_DECORD_PIXELS


def _open_decord(path: Path, info: VideoInfo) -> Any | None:
    """A decord reader whose frame count and times agree with the container, or None: PyAV serves the file then."""
    try:
        import decord
    except ImportError:
        return None
    decord.logging.set_level(decord.logging.FATAL)
    try:
        reader = decord.VideoReader(str(path.resolve()), ctx=decord.cpu(0), num_threads=1)
        if len(reader) != len(info.frame_times_s):
            return None
        starts_s = np.asarray(reader.get_frame_timestamp(range(len(reader))))[:, 0]
    except (decord.DECORDError, RuntimeError):  # decord raises both
        return None
    return reader if np.allclose(starts_s, info.frame_times_s, rtol=0, atol=SLACK_S) else None


def _decord_frames(reader: Any, times_s: NDArray[np.float64], info: VideoInfo) -> Iterator[TimedFrame]:
    frame_index = np.searchsorted(info.frame_times_s, times_s + SLACK_S / 2, side="right") - 1
    frame_index = np.maximum(frame_index, 0)
    for first in range(0, len(times_s), DECORD_BATCH):
        batch = reader.get_batch(frame_index[first : first + DECORD_BATCH].tolist()).asnumpy()
        yield from ((first + offset, pixels) for offset, pixels in enumerate(batch))
