"""Atomic file writes: a file is written under a temporary name and published by one rename."""

import os
import uuid
from pathlib import Path

TEMPORARY = ".tmp-"
"""Prefix of files and folders that are being written; a killed run leaves them, and CollectGarbage removes them."""


def write_text(path: Path, text: str) -> None:
    """Writes a text file atomically (UTF-8); makes the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{TEMPORARY}{uuid.uuid4().hex[:8]}-{path.name}")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)  # noqa: PTH105 - replaces on every system
    finally:
        temporary.unlink(missing_ok=True)
