"""A remote file as a file object that is read by ranges, in blocks that all processes of a machine share."""

import io
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from pipeline.errors import RemoteError
from pipeline.remote.positioned import Positioned
from pipeline.remote_files.facts import Facts
from pipeline.remote_files.file_cache import FileCache
from pipeline.remote_files.transfer import NoRangesError, read_range

BLOCK_BYTES = 4 << 20
BLOCKS_IN_MEMORY = 3
"""Of each open file: where picture and sound lie far apart, the reading goes back and forth."""

faults: dict[str, RemoteError] = {}
"""Name of a file -> why a reading of it failed in this process; libavformat takes many a fault for the file's end."""


class BlockReader(Positioned):
    """Reads blocks as they are needed, each once as long as the cache has room for it.

    Where the server sends no parts of files, all of it is fetched by `whole`.
    """

    def __init__(self, path: Path, facts: Facts, entry: str, cache: FileCache, whole: Callable[[], Path]) -> None:
        """`path` stands for the file here; `entry` is the name of its version in the cache."""
        super().__init__(facts.size, f"file:{path}")
        self._facts, self._entry, self._cache, self._fetch_whole = facts, entry, cache, whole
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._whole: io.BufferedReader | None = None
        self._fault: RemoteError | None = None

    def read(self, size: int | None = -1) -> bytes:
        """`size` bytes, fewer at the end of the file, all where it is -1. RemoteError, also at each later read."""
        rest = max(0, self._size - self._position)
        wanted = rest if size is None or size < 0 else min(size, rest)
        pieces = []
        while wanted:
            number, first = divmod(self._position, BLOCK_BYTES)
            piece = self._block(number)[first : first + wanted]
            pieces.append(piece)
            self._position += len(piece)
            wanted -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """Lets go of the blocks."""
        self._blocks.clear()
        if self._whole:
            self._whole.close()
        super().close()

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            start = number * BLOCK_BYTES
            if self._fault:
                raise self._fault
            try:
                self._blocks[number] = self._read(start, min(start + BLOCK_BYTES, self._size))
            except RemoteError as error:
                faults[self.name] = self._fault = error
                raise
            if len(self._blocks) > BLOCKS_IN_MEMORY:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(number)
        return self._blocks[number]

    def _read(self, start: int, stop: int) -> bytes:
        def make(path: Path) -> None:
            path.write_bytes(read_range(self._facts, start, stop))

        if self._whole is None:
            try:
                with self._cache.open(f"{self._entry}-{start // BLOCK_BYTES}", make, stop - start) as file:
                    return file.read()
            except NoRangesError:
                self._whole = self._fetch_whole().open("rb")
        self._whole.seek(start)
        return self._whole.read(stop - start)
