"""One clock for all streams of a file: it counts from the file's beginning."""

from collections.abc import Iterator
from typing import Any


def packets(container: Any, stream: Any) -> Iterator[Any]:
    """The packets of `stream` in file order, with times in ticks of its time base from the beginning of the file."""
    shift = round((container.start_time or 0) / 1e6 / stream.time_base)
    for packet in container.demux(stream):
        if packet.pts is not None:
            packet.pts -= shift
        yield packet
