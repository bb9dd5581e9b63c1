"""The log of a run: a file in the store's folder logs/ that begins with the first task that changes something.

Until then its lines wait in memory, so that a command that finds nothing to do writes nothing. No error of the disk
reaches the run.
"""

import os
import re
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

FOLDER = "logs"
"""Below the store."""
KEPT = 100
"""The newest logs are kept, so many."""
MAX_BYTES = 20_000_000
"""Of one log: a library that warns without end must not fill the disk."""
MOST_WAITING = 1000
"""Lines that wait for the beginning."""

NAME = re.compile(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_\w+_\d+\.log")
_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.|[\x00-\x08\x0b-\x1f\x7f]")
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


class RunLog:
    """The log of one run of `task`; `head`: what stands at its top."""

    def __init__(self, folder: Path, task: str, head: Callable[[], list[str]]) -> None:
        self.path = folder / f"{time.strftime('%Y-%m-%d_%H-%M-%S')}_{task}_{os.getpid()}.log"
        self._head = head
        self._waiting: deque[str] = deque(maxlen=MOST_WAITING)
        self._file: IO[str] | None = None
        self._is_over = False
        self._num_bytes = 0
        # The same thread may come here again: a warning that the writing itself raises is recorded too.
        self._lock = threading.RLock()

    def add(self, text: str) -> None:
        """Adds lines, each with the time of day, without control sequences and without passwords in addresses."""
        now = time.strftime("%H:%M:%S")
        with self._lock:
            for line in text.splitlines():
                self._put(f"{now} {plain(line)}\n")

    def begin(self) -> bool:
        """Writes the file from now on; whether it is there."""
        with self._lock:
            if self._file is None and not self._is_over:
                self._try(self._open)
            return self._file is not None

    def close(self) -> None:
        """Ends the file; what is added later is dropped."""
        with self._lock:
            self._is_over = True
            if self._file is not None:
                with suppress(OSError):
                    self._file.close()

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Appended to: a task that Luigi runs in a process of its own writes into the same file.
        self._file = self.path.open("a", buffering=1, encoding="utf-8", errors="backslashreplace")
        for line in self._head():
            self._put(f"{plain(line)}\n")
        for line in self._waiting:
            self._put(line)
        self._waiting.clear()
        delete_old(self.path.parent)

    def _put(self, line: str) -> None:
        if self._is_over:
            return
        if self._file is None:
            self._waiting.append(line)
            return
        self._num_bytes += len(line)
        if self._num_bytes > MAX_BYTES:
            line = f"The rest is left out: {MAX_BYTES / 1e6:.0f} MB\n"
        file = self._file
        self._try(lambda: file.write(line))
        if self._num_bytes > MAX_BYTES:
            self.close()

    def _try(self, write: Callable[[], object]) -> None:
        """Writes; a disk that is full, read-only or gone ends the log, and nothing else."""
        try:
            write()
        except (OSError, ValueError):  # ValueError: closed by whoever closed all files
            self.close()
            self._file = None


def plain(line: str) -> str:
    """The line as text: of a progress bar its last state, no control characters, no password in an address."""
    shown = line.rstrip("\r").rpartition("\r")[2]
    return _CREDENTIALS.sub("***@", _CONTROL.sub("", shown)).rstrip()


def delete_old(folder: Path) -> None:
    """Deletes all logs in a folder but the newest ones; files with other names stay."""
    with suppress(OSError):
        logs = sorted(path for path in folder.iterdir() if NAME.fullmatch(path.name))
        for path in logs[:-KEPT]:
            with suppress(OSError):
                path.unlink()
