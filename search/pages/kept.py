"""Keeps in memory what took long to make: pictures, pieces of videos."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable


class Kept:
    """What was made last, in memory, up to a number of bytes."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes, self._num_bytes = most_bytes, 0
        self._pieces: OrderedDict[Hashable, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Forgets all pieces."""
        with self._lock:
            self._pieces.clear()
            self._num_bytes = 0

    def get(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """The piece of this key, made where it is not kept."""
        with self._lock:
            if key in self._pieces:
                self._pieces.move_to_end(key)
                return self._pieces[key]
        piece = make()
        with self._lock:
            self._num_bytes += len(piece) - len(self._pieces.pop(key, b""))
            self._pieces[key] = piece
            while self._num_bytes > self._most_bytes:
                self._num_bytes -= len(self._pieces.popitem(last=False)[1])
        return piece
