"""Imports zarr; at the end of the process its event loop gets the time that it needs to end."""

import atexit
import functools
from typing import Any

END_S = 10.0


@functools.cache
def load() -> Any:
    """The module zarr.

    It gives its event loop 0.2 s to end, and then closes it running or not: on a busy machine a traceback would follow
    the last line of a run that went well.
    """
    import zarr

    atexit.register(_end_loop)  # registered after zarr's own function, so called before it
    return zarr


def _end_loop() -> None:
    from zarr.core import sync

    loop, thread = sync.loop[0], sync.iothread[0]
    if loop is not None and thread is not None:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(END_S)
