"""Extractors that fail or are slow, in a module that other processes can import."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from extractors.colour_shape import Expert


class Overridden:
    """An object with some of its attributes replaced."""

    def __init__(self, inner, **replaced):
        self.inner = inner
        self.replaced = replaced

    def __getattr__(self, name):
        return self.replaced.get(name) or getattr(self.inner, name)


class Killed(Expert):
    """Kills its process at the first batch, once: a file marks that it has happened."""

    def embed(self, items):
        mark = Path(os.environ["KILLED_MARK"])
        with suppress(FileExistsError):
            mark.touch(exist_ok=False)
            os.kill(os.getpid(), signal.SIGKILL)
        return super().embed(items)


class Failing(Expert):
    """Fails at every batch, with an error that cannot be pickled."""

    def embed(self, items):
        raise UnpicklableError(lambda: None)


class UnpicklableError(Exception):
    """As some libraries raise: with an argument that cannot be sent to another process."""


class Slow(Expert):
    """Needs half a second for every batch."""

    def embed(self, items):
        time.sleep(0.5)
        return super().embed(items)
