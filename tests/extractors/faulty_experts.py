"""Extractors that go wrong, in a module that other processes can import."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from extractors.colour_shape import Expert


class Deadly(Expert):
    """Kills its process at the first batch, once: the file tells that it has happened."""

    def embed(self, items):
        mark = Path(os.environ["DEADLY_MARK"])
        with suppress(FileExistsError):
            mark.touch(exist_ok=False)
            os.kill(os.getpid(), signal.SIGKILL)
        return super().embed(items)


class Wrong(Expert):
    """Fails at every batch, with an error that cannot be sent to another process."""

    def embed(self, items):
        raise UnsendableError(lambda: None)


class UnsendableError(Exception):
    """What libraries raise at times: an error that holds what no process can give to another."""


class Slow(Expert):
    """Takes its time at every batch."""

    def embed(self, items):
        time.sleep(0.5)
        return super().embed(items)
