"""What `code_digest.py` has found out before, beside its own compiled file: by the content of files, never by dates.

To read the syntax of a hundred modules takes a tenth of a CPU second, of each command that extracts. As with compiled
files, nothing is kept where Python is told to write none, or may not; and another Python begins anew.
"""

import atexit
import hashlib
import importlib.util
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipeline.stores import atomic

MOST = 4096
"""Entries; with more, of code as it was once, it begins anew."""


class DigestCache:
    """Texts and lists by key, in a file that is read at the first question and written at the end of the process."""

    def __init__(self, module: str) -> None:
        """`module`: file of the one that computes the entries; those of another text of it, or another Python, go."""
        self._module = Path(module)
        self._entries: dict[str, Any] | None = None
        self._is_new = False

    def get(self, key: str) -> Any:
        """The entry, or None."""
        return self._known().get(key)

    def put(self, key: str, entry: Any) -> None:
        """Adds an entry, of JSON values."""
        if not self._is_new:
            self._is_new = True
            atexit.register(self.save)
        self._known()[key] = entry

    def save(self) -> None:
        """Writes the file."""
        if sys.dont_write_bytecode:
            return
        entries = self._known()
        with suppress(OSError):
            atomic.write_text(
                self._path, json.dumps({"by": self._by, "entries": entries if len(entries) <= MOST else {}})
            )

    def _known(self) -> dict[str, Any]:
        if self._entries is None:
            self._entries = {}
            with suppress(OSError, ValueError, KeyError, TypeError):
                told = json.loads(self._path.read_bytes())
                if told["by"] == self._by:
                    self._entries = dict(told["entries"])
        return self._entries

    @property
    def _path(self) -> Path:
        return Path(importlib.util.cache_from_source(str(self._module))).with_suffix(".json")

    @property
    def _by(self) -> str:
        return hashlib.sha256(sys.version.encode() + self._module.read_bytes()).hexdigest()
