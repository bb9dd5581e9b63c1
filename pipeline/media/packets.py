"""Reads all packets of a file once, without decoding them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.media.container import DEFAULT_FPS, reason
from pipeline.media.timeline import Timeline


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
    read_bytes: int
    """Place in the file of the end of the last packet, as far as the format tells."""
    error: str
    """Why the reading ended before the end of the file; empty when it did not."""


def read_packets(container: Any, video: Any | None) -> Packets:
    """The facts of all packets of a container that was just opened; `video` is its video stream, or None."""
    import av

    audio = container.streams.best("audio")
    shown = [stream for stream in (video, audio) if stream is not None]
    others = [stream for stream in container.streams if stream.type == "subtitle" and stream.time_base]
    clock = Timeline(container, from_start=True)
    times: list[tuple[float, bool]] = []
    ends_s = {stream.index: 0.0 for stream in [*shown, *others]}
    ticks_s = {stream.index: float(stream.time_base) for stream in [*shown, *others]}
    num_frames = num_damaged = read_bytes = 0
    error = ""
    try:
        for packet in clock.packets([*shown, *others]):
            if packet.size == 0:
                continue
            index = packet.stream_index
            is_video = video is not None and index == video.index
            num_frames += is_video
            num_damaged += packet.is_corrupt and packet.stream in shown
            read_bytes = max(read_bytes, (packet.pos or 0) + packet.size)
            # An edit list hides frames on purpose: their packets are in the file, flagged to be discarded.
            if packet.pts is None or packet.is_discard:
                continue
            time_s = packet.pts * ticks_s[index]
            if is_video:
                times.append((time_s, packet.is_keyframe))
            ends_s[index] = max(ends_s[index], time_s + (packet.duration or 0) * ticks_s[index])
    except av.error.FFmpegError as failure:
        error = reason(failure)
    frame_times = np.unique(np.array([time_s for time_s, _ in times if time_s >= 0], np.float64))
    end_s = ends_s[video.index] if video is not None else 0.0
    if video is not None and len(frame_times) and end_s <= frame_times[-1]:
        end_s = float(frame_times[-1] + 1 / (video.average_rate or DEFAULT_FPS))
    return Packets(
        frame_times_s=frame_times,
        key_times_s=np.unique(np.array([time_s for time_s, is_key in times if is_key], np.float64)),
        end_s=end_s if len(frame_times) else 0.0,
        duration_s=max([end_s, *(ends_s[stream.index] for stream in shown)]),
        reached_s=max(ends_s.values(), default=0.0) + (container.start_time or 0) / 1e6,
        num_frames=num_frames,
        num_damaged=num_damaged,
        num_jumps=clock.num_jumps,
        read_bytes=read_bytes,
        error=error,
    )
