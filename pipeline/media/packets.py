"""Reads all packets of a file once, without decoding them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.media.container import frame_s, reason
from pipeline.media.h264 import has_only_frames
from pipeline.media.timeline import Timeline, start_s

KEPT_BYTES = 32e6
"""What packets that are kept to be decoded may take."""

TOLD_FORMATS = ("mov", "matroska")
"""Beginnings of the names of containers that store presentation times."""


IN_ORDER = frozenset({"vp9", "av1"})
"""Codecs of which each packet gives one frame, at once; FFmpeg's decoders of them leave none out when told to."""


@dataclass(frozen=True)
class Packets:
    """What the packets of a file tell."""

    frame_times_s: NDArray[np.float64]
    """(F,) presentation times of the visible frames, rising."""
    key_times_s: NDArray[np.float64]
    """(K,) those of the key frames."""
    end_s: float
    """End of the last frame; 0 without frames."""
    duration_s: float
    """The longer of the video and audio streams."""
    reached_s: float
    """End of the last packet of any stream, e.g. subtitles, on the container's own clock."""
    num_frames: int
    """Video packets, also of frames that are not visible."""
    num_damaged: int
    """Packets of the shown and heard streams that libavformat flags as damaged, e.g. by a lost piece."""
    num_jumps: int
    """Jumps of the container's clock."""
    is_reordered: bool
    """Whether frames are decoded in another order than they are shown, by the times of the packets."""
    read_bytes: int
    """Place in the file of the end of the last packet, as far as the format tells."""
    error: str
    """Why the reading ended before the end of the file; empty when it did not."""


@dataclass
class _Seen:
    """What the packets of one stream have told so far."""

    seconds_per_tick: float
    times_s: list[float] = field(default_factory=list)
    key_times_s: list[float] = field(default_factory=list)
    end_s: float = 0.0
    read_bytes: int = 0
    num: int = 0
    num_damaged: int = 0
    is_reordered: bool = False

    def add(self, packet: Any) -> None:
        self.num += 1
        self.num_damaged += packet.is_corrupt
        self.read_bytes = max(self.read_bytes, (packet.pos or 0) + packet.size)
        # An edit list hides frames on purpose: their packets are in the file, flagged to be discarded.
        if packet.pts is None or packet.is_discard:
            return
        time_s = packet.pts * self.seconds_per_tick
        self.end_s = max(self.end_s, time_s + (packet.duration or 0) * self.seconds_per_tick)
        self.is_reordered |= bool(self.times_s) and time_s < self.times_s[-1]
        self.times_s.append(time_s)
        if packet.is_keyframe:
            self.key_times_s.append(time_s)


def _end_s(told_s: float, frame_times: NDArray[np.float64], video: Any | None) -> float:
    """The end of the last frame; 0 without frames. `told_s` is the end that its packet tells, if it tells one."""
    if video is None or not len(frame_times):
        return 0.0
    return told_s if told_s > frame_times.max() else float(frame_times.max()) + frame_s(video)


def tells_times(container: Any, video: Any, seen: Packets) -> bool:
    """Whether each packet tells the time of its own frame for certain.

    Where frames are reordered and no packet tells so, as in an .mp4 without composition times, or where libavformat
    guesses, as for .avi, a packet may carry the time of a frame near by. A packet may also hold a field of its frame.
    """
    codec = video.codec_context
    if not (seen.is_reordered and container.format.name.startswith(TOLD_FORMATS)) or codec is None:
        return False
    return codec.name == "hevc" or (codec.name == "h264" and has_only_frames(codec.extradata))


def comes_in_order(video: Any | None, seen: Packets) -> bool:
    """Whether frames are decoded in the order of their times, and none can be left out: those of VP9 and AV1."""
    codec = video.codec_context if video is not None else None
    return codec is not None and codec.codec.canonical_name in IN_ORDER and not seen.is_reordered


def read_packets(container: Any, video: Any | None, kept: list[Any] | None = None) -> Packets:
    """The facts of all packets of a container that was just opened; `video` is its video stream, or None.

    `kept`: a list to which the packets of the video are added, all or, where they take more than KEPT_BYTES, none.
    """
    import av

    shown = [stream for stream in (video, container.streams.best("audio")) if stream is not None]
    others = [stream for stream in container.streams if stream.type == "subtitle" and stream.time_base]
    clock = Timeline(container, from_start=True)
    seen = {stream.index: _Seen(float(stream.time_base)) for stream in [*shown, *others]}
    error, room = "", KEPT_BYTES
    try:
        for packet in clock.packets([*shown, *others]):
            if packet.size:
                seen[packet.stream_index].add(packet)
            if kept is not None and video is not None and packet.stream_index == video.index:
                kept.append(packet)
                room -= packet.size
                if room < 0:
                    kept.clear()
                    kept = None
    except av.error.FFmpegError as failure:
        error = reason(failure)
    of_video = seen[video.index] if video is not None else _Seen(0.0)
    frame_times = np.array([time_s for time_s in of_video.times_s if time_s >= 0], np.float64)
    end_s = _end_s(of_video.end_s, frame_times, video)
    return Packets(
        frame_times_s=_distinct(frame_times.tolist()),
        key_times_s=_distinct(of_video.key_times_s),
        end_s=end_s,
        duration_s=max([end_s, *(seen[stream.index].end_s for stream in shown)]),
        reached_s=max(0.0, *(one.end_s + start_s(container) for one in seen.values())) if seen else 0.0,
        num_frames=of_video.num,
        num_damaged=sum(seen[stream.index].num_damaged for stream in shown),
        num_jumps=clock.num_jumps,
        is_reordered=of_video.is_reordered,
        read_bytes=max((one.read_bytes for one in seen.values()), default=0),
        error=error,
    )


def _distinct(times_s: list[float]) -> NDArray[np.float64]:
    """Each time once, by size; as np.unique, which imports all of numpy.ma for it."""
    return np.array(sorted(set(times_s)), np.float64)
