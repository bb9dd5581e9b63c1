"""Decodes the frames of a file one after another, from a key frame on."""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Generator, Iterator
from heapq import heappop, heappush
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.media.container import frame_s, open_container, pick_video
from pipeline.media.picture import Display, Painter, frame_bytes, open_decoder
from pipeline.media.timeline import Timeline, start_s

SLACK_S = 1e-3
"""Frame times that differ by less than this are the same: containers round to a millisecond."""

LOOKAHEAD = 2
"""Frames by which the times of decoded frames may be out of order."""

DELAY = 4
"""Frames that are decoded ahead, so that damage is known before a frame is shown that was predicted from it. They cost
a tenth of the time, as memory that one frame has left is not yet free for the next one."""

LARGE_BYTES = 32e6
"""Of frames that take more, as of 8K, none is decoded ahead, and then none is left out. Their times are taken as they
come: no .avi with B-frames is so large."""

KEPT_BYTES = 256e6
"""What frames that are kept to be read again may take, so that memory does not grow with the frame size."""


class Shot(NamedTuple):
    """A decoded frame and its presentation time."""

    time_s: float
    frame: Any
    """A PyAV frame: of the native size, in the pixel format of the codec."""

    @property
    def num_bytes(self) -> int:
        """What it takes at least."""
        return int(self.frame.width * self.frame.height * 3 // 2)


class Cursor:
    """Where the reading of a file's video has come to; a context that closes the file."""

    def __init__(self, path: Path, from_s: float = 0.0, display: Display | None = None, in_order: bool = False) -> None:
        """At the last key frame before `from_s`; some formats land after it. At 0 the file is read without a seek.

        `in_order`: what `packets.comes_in_order` says of the file; then no frame is decoded ahead.
        """
        container = open_container(path)
        stream: Any = pick_video(container)
        if from_s > 0:
            container.seek(int((from_s + start_s(container)) * 1e6), backward=True)
        packets = Timeline(container, from_start=from_s <= 0).packets([stream])
        self._begin(container, stream, packets, display, in_order)

    @classmethod
    def of_packets(cls, container: Any, stream: Any, packets: Iterator[Any], in_order: bool = False) -> "Cursor":
        """At the beginning of an open container whose packets, those that `Timeline` gives, were read before."""
        cursor = cls.__new__(cls)
        cursor._begin(container, stream, packets, None, in_order)
        return cursor

    def _begin(
        self, container: Any, stream: Any, packets: Iterator[Any], display: Display | None, in_order: bool
    ) -> None:
        self._container = container
        self.stream = stream
        self.painter = Painter(stream, display)
        self.frame_s = frame_s(stream)
        """How long a frame is shown."""
        self._seconds_per_tick = float(stream.time_base)
        self._wanted_s: list[float] | None = None
        self._decoder = open_decoder(stream)
        self._frames = _decoded(packets, self._decoder, self._skip_unwanted, self._note_failure)
        self._shots = self._placed()
        self.has_begun = False
        """Whether a frame has come."""
        self._before: list[Shot] = []
        self._kept: list[Shot] = []
        self._keep_from_s = np.inf
        self.is_damaged = False
        """Whether a packet has failed to decode, or was decoded with errors."""
        self.skips = frame_bytes(stream) <= LARGE_BYTES and not in_order
        """Whether frames may be left out, see `want_only`; for the reader to remember."""
        self._delay = DELAY if self.skips else 0

    def first_frame(self) -> Any | None:
        """The PyAV frame that comes first, and will come all the same; None when none decodes."""
        first = [frame for frame in [next(self._frames, None)] if frame is not None]
        frame = first[0] if first else None
        self._frames = _again(first, self._frames)
        return frame

    def want_only(self, shown_s: NDArray[np.float64] | None) -> None:
        """From now on only the frames at these rising times are needed, and all that are later; None: all.

        Others are left out where no frame depends on them, which spares about half of the work in files with B-frames.
        """
        self._wanted_s = None if shown_s is None else shown_s.tolist()

    def keep_from(self, time_s: float) -> None:
        """From here on keeps the frames that are shown from this time on, for `step_back`."""
        self._keep_from_s = time_s

    def step_back(self) -> None:
        """Lets the kept frames come once more."""
        self._before, self._kept = [*self._kept, *self._before], []

    def has_passed(self, time_s: float) -> bool:
        """Whether the frame that is shown at this time does not come any more."""
        return bool(self._before) and self._before[0].time_s > time_s + SLACK_S

    def __iter__(self) -> Iterator[Shot]:
        return self

    def __next__(self) -> Shot:
        self.has_begun = True
        shot = self._before.pop(0) if self._before else next(self._shots)
        self._kept.append(shot)
        while len(self._kept) > 1 and (
            self._kept[1].time_s <= self._keep_from_s or sum(kept.num_bytes for kept in self._kept) > KEPT_BYTES
        ):
            self._kept.pop(0)
        return shot

    def __enter__(self) -> "Cursor":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file, and lets go of the frames: the reading and the cursor refer to each other, so that all would
        wait for the garbage collector."""
        self._shots.close()
        self._frames = iter(())
        self._before, self._kept = [], []
        self._container.close()

    def _placed(self) -> Generator[Shot]:
        """The frames with their times. Frames come in the order in which they are shown, even where their times do not.

        In .avi files with B-frames two neighbours often carry each other's time.
        """
        waiting: deque[Any] = deque()
        times_s: list[float] = []
        for frame in self._frames:
            waiting.append(frame)
            heappush(times_s, float(frame.pts * self._seconds_per_tick))
            self.is_damaged |= frame.is_corrupt
            if len(waiting) > self._delay:
                yield Shot(heappop(times_s), waiting.popleft())
        while waiting:
            yield Shot(heappop(times_s), waiting.popleft())

    def _note_failure(self) -> None:
        self.is_damaged = True

    def _skip_unwanted(self, packet: Any) -> None:
        wanted_s = self._wanted_s
        if wanted_s is None or packet.pts is None:
            needed = True
        else:
            time_s = packet.pts * self._seconds_per_tick
            at = bisect_left(wanted_s, time_s - SLACK_S)
            needed = at == len(wanted_s) or wanted_s[at] < time_s + SLACK_S
        assert self._decoder is not None  # it decodes this packet
        self._decoder.skip_frame = "DEFAULT" if needed else "NONREF"


def _again(first: list[Any], rest: Iterator[Any]) -> Iterator[Any]:
    """What is in `first`, which is not held any longer than that, and the rest."""
    while first:
        yield first.pop(0)
    yield from rest


def _decoded(
    packets: Iterator[Any],
    decoder: Any,
    before: Callable[[Any], None],
    failed: Callable[[], None],
) -> Iterator[Any]:
    """The frames of the packets, which `before` is shown one by one; `failed` is called where one does not decode, and
    is skipped."""
    import av

    if decoder is None:
        return
    # Parallelism is across videos; threads inside one cost memory, and libdav1d's own ones a fifth of its time.
    decoder.thread_type, decoder.thread_count = "NONE", 1
    ends = False
    while not ends:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError:
            packet = None
        if packet is not None and packet.size == 0 and packet.dts is not None:
            continue  # an .avi repeats its last frame like this; a decoder would take it for the end
        ends = packet is None or packet.size == 0
        try:
            if not ends:
                before(packet)
            yield from (frame for frame in decoder.decode(None if ends else packet) if frame.pts is not None)
        except (av.error.FFmpegError, EOFError):
            failed()
