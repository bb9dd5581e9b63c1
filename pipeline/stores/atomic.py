"""Atomic file writes: a file is written under a temporary name and published by one rename."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TEMPORARY = ".tmp-"
"""Prefix of files and folders that are being written; a killed run leaves them, and CollectGarbage removes them."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Context with a temporary path in the same folder, renamed to `path` at the end; deleted after an exception."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{TEMPORARY}{uuid.uuid4().hex[:8]}-{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)  # noqa: PTH105 - replaces on every system
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes a text file atomically (UTF-8); makes the folders above it."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
