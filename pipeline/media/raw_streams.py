"""Gives times to the packets of raw H.264 and HEVC streams (.h264, .264, .hevc), which carry none."""

import functools
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from pipeline.media.container import DEFAULT_FPS
from pipeline.remote_files.files import on_disk

NO_TIMESTAMPS = 0x0080
"""libavformat's AVFMT_NOTIMESTAMPS: a format without times. It cannot be sought."""

MAX_FPS = 300
"""Encoders that were fed with times write the units of their clock in place of a rate, e.g. 12800 a second."""


def is_raw(container: Any) -> bool:
    """Whether the container has no times of its own."""
    return bool(container.format.flags & NO_TIMESTAMPS)


def demux(container: Any, *streams: Any) -> Iterator[Any]:
    """The packets of the streams in file order, as PyAV gives them; those of a raw stream at its frame rate.

    For a container that was not sought. The first frame shown is at 0; packets without a frame have no time.
    """
    packets = container.demux(*streams)
    if not is_raw(container):
        yield from packets
        return
    first = next(packets, None)
    if first is None:
        return
    needs_times = first.size and first.pts is None and first.dts is None and first.stream.type == "video"
    packets = chain([first], packets)
    yield from _timed(packets, container, first.stream) if needs_times else packets


def _timed(packets: Iterator[Any], container: Any, stream: Any) -> Iterator[Any]:
    """The packets of one raw stream, at equal distances, in the order in which their frames are shown."""
    path = on_disk(Path(container.name.removeprefix("file:")))
    stat = path.stat()
    places = _places(path, (stat.st_size, stat.st_mtime_ns))
    delay = max((number - place for number, place in places.items()), default=0)
    rate = stream.average_rate or DEFAULT_FPS
    ticks = round(1 / ((rate if rate <= MAX_FPS else DEFAULT_FPS) * stream.time_base))
    for number, packet in enumerate(packets):
        if packet.size:
            packet.pts = places[number] * ticks if number in places else None
            packet.dts, packet.duration = (number - delay) * ticks, ticks
        yield packet


@functools.lru_cache(maxsize=64)
def _places(path: Path, stamp: tuple[int, int]) -> dict[int, int]:
    """Number of a packet in the file -> number of its frame on the screen, both from 0; `stamp`: of the file.

    The whole stream is decoded for it: which frame is shown when stands in no header.
    """
    import av

    numbers: list[int] = []
    with av.open(f"file:{path}") as container:
        stream = container.streams.video[0]
        decoder = stream.codec_context
        for number, packet in enumerate(container.demux(stream)):
            packet.pts = number
            try:
                frames = decoder.decode(packet if packet.size else None)
                numbers += [frame.pts for frame in frames if frame.pts is not None]
            except av.error.FFmpegError:
                continue
    return {number: place for place, number in enumerate(numbers)}
