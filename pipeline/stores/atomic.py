"""Files that are there whole or not at all: written under a temporary name, published by one rename."""

import os
import uuid
from pathlib import Path

TEMPORARY = ".tmp-"
"""Prefix of what is being written; a kill leaves it behind, and CollectGarbage removes it."""


def write_text(path: Path, text: str) -> None:
    """A text file that is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{TEMPORARY}{uuid.uuid4().hex[:8]}-{path.name}")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)  # noqa: PTH105 - replaces on every system
    finally:
        temporary.unlink(missing_ok=True)
