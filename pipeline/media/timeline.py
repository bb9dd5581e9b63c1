"""One clock for all streams of a file: it counts from the beginning, and runs on where the container's own jumps.

Joined recordings (.ts, .mpg, .flv) carry a clock that starts again or leaps with each piece; a cut-out piece of a
broadcast begins at any time. Players and ffmpeg show such files without a gap; so does who reads `packets`.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from pipeline.media.container import frame_s, pick_video
from pipeline.media.raw_streams import demux

FORWARD_S, BACKWARD_S = 10.0, 0.1
"""Jumps of a clock that is known to jump (MPEG-TS, MPEG-PS, Ogg): ffmpeg's `-dts_delta_threshold`, and its tolerance
for a decoding time before the last one."""

RARE_FORWARD_S, RARE_BACKWARD_S = 3600.0, 1.0
"""Jumps of any other clock: a gap may be meant there, as a slide that is shown for half an hour, but not for hours."""

STRANGER_S = 60.0
"""A stream may come so much later in the file than its time says; where it begins with more, the clock jumped."""

TS_DISCONT = 0x0200
"""libavformat's AVFMT_TS_DISCONT: a format whose clock may jump."""


class Timeline:
    """The clock of one reading of a file, from its beginning or from a seek on."""

    def __init__(self, container: Any, from_start: bool = False) -> None:
        """`from_start`: no seek was made. The first packet then lies at the beginning even if the header denies it.

        After a seek no jump is closed: a file whose clock jumps is never sought, and of any other the times are right
        as they are, also where one stream lands minutes before the other.
        """
        self.num_jumps = 0
        """Jumps of the container's clock that were closed so far."""
        self._container = container
        self._shift_us = -float(container.start_time or 0)
        jumps_often = bool(container.format.flags & TS_DISCONT)
        self._forward_us = 1e6 * (FORWARD_S if jumps_often else RARE_FORWARD_S)
        self._backward_us = 1e6 * (BACKWARD_S if jumps_often else RARE_BACKWARD_S)
        shown = pick_video(container), container.streams.best("audio")
        self._clocks = {stream.index for stream in shown if stream is not None}
        self._from_start = from_start
        self._dts_us: dict[int, float] = {}
        self._next_us: dict[int, float] = {}
        self._tick_us = {stream.index: float(stream.time_base * 1_000_000) for stream in _timed(container)}

    def packets(self, streams: list[Any]) -> Iterator[Any]:
        """The packets of `streams` in file order, with pts and dts in ticks of their stream from the beginning.

        A last packet of each stream, of size 0, ends its decoder. Errors of libavformat are raised as they come.
        """
        indices = {stream.index for stream in streams}
        clocks = [self._container.streams[index] for index in sorted(self._clocks - indices)]
        held: dict[int, Any] = {}
        with suppress(IndexError):  # PyAV 18 raises it after the last packet of an MPEG-TS in which a stream comes late
            for packet in demux(self._container, *streams, *clocks):
                index, num_jumps = packet.stream_index, self.num_jumps
                self._place(packet)
                if (before := held.pop(index, None)) is not None:
                    if self.num_jumps > num_jumps:
                        self._set_after(before)
                    yield before
                if index in indices and self._is_early(packet):
                    held[index] = packet
                elif index in indices:
                    yield packet
        yield from held.values()

    def _place(self, packet: Any) -> None:
        tick_us = self._tick_us.get(packet.stream_index)
        if tick_us is None or packet.size == 0:
            return
        if packet.stream_index in self._clocks:
            length_us = (packet.duration or 0) * tick_us
            if not 0 < length_us <= self._forward_us:  # an .mp4 states a gap as the length of the packet before it
                length_us = _frame_us(packet.stream, self._forward_us)
                packet.duration = round(length_us / tick_us)
            if self._from_start:
                self._close_jump(packet, tick_us, length_us)
        shift = round(self._shift_us / tick_us)
        packet.dts = None if packet.dts is None else packet.dts + shift
        packet.pts = None if packet.pts is None else packet.pts + shift
        if not -self._backward_us <= self._delay_us(packet) <= 1e6 * RARE_FORWARD_S:
            self._set_after(packet)

    def _is_early(self, packet: Any) -> bool:
        """Whether it may show the time of the next piece: where it has none itself, libavformat takes the next one."""
        return self._delay_us(packet) > self._forward_us

    def _delay_us(self, packet: Any) -> float:
        """From decoding to presentation."""
        if packet.pts is None or packet.dts is None:
            return 0.0
        return float(packet.pts - packet.dts) * self._tick_us[packet.stream_index]

    def _set_after(self, packet: Any) -> None:
        """Gives a packet with the presentation time of another piece one that goes with its decoding time."""
        packet.pts = packet.dts + packet.duration

    def _close_jump(self, packet: Any, tick_us: float, length_us: float) -> None:
        """Shifts the clock of the whole file where this packet lies far from where its stream goes on.

        A stream that only pauses, as slides do while somebody speaks, goes on no later than the other one has come.
        """
        index = packet.stream_index
        if packet.dts is None:
            if index in self._next_us:
                self._next_us[index] += length_us
            return
        dts_us = packet.dts * tick_us + self._shift_us
        furthest_us = max(self._next_us.values(), default=0.0)
        expected_us, before_us = self._next_us.get(index, furthest_us), self._dts_us.get(index)
        least_us = furthest_us - 1e6 * STRANGER_S if before_us is None else before_us - self._backward_us
        if dts_us > furthest_us + self._forward_us or dts_us < least_us:
            self._shift_us += expected_us - dts_us
            self.num_jumps += 1
            dts_us = expected_us
        self._dts_us[index] = dts_us
        self._next_us[index] = dts_us + length_us


def packets(container: Any, stream: Any, from_start: bool = False) -> Iterator[Any]:
    """The packets of `stream` in file order, with times in ticks of its time base from the beginning of the file.

    After it, `float(frame.pts * frame.time_base)` is the time in seconds from the start of the video. `container` may
    have been sought before, unless its clock jumps (`VideoInfo.seekable`); `from_start` says that it was not.
    """
    return Timeline(container, from_start).packets([stream])


def start_s(container: Any) -> float:
    """The container's time of the beginning: add it to a time of `packets` to seek there."""
    return (container.start_time or 0) / 1e6


def _timed(container: Any) -> list[Any]:
    return [stream for stream in container.streams if stream.time_base]


def _frame_us(stream: Any, longest_us: float) -> float:
    return 1e6 * frame_s(stream, longest_us / 1e6) if stream.type == "video" and stream.average_rate else 0.0
