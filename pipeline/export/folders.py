"""A folder that appears whole, in place of an older export of the same name."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError, PipelineError, StoreError
from pipeline.stores import atomic

MARK = "export.json"
"""File in each exported folder that says what it is of; only a folder with it, or an empty one, is ever replaced."""


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Context in which what the system says while `path` is written becomes a StoreError of one line."""
    try:
        yield
    except PipelineError:
        raise
    except OSError as error:
        raise StoreError(f"{path}: cannot be written: {error.strerror or error}") from error


@contextmanager
def replacing_folder(path: Path, facts: Mapping[str, Any]) -> Iterator[Path]:
    """Context with a new temporary folder, published as `path` at the end with `facts` in it; deleted on an exception.

    ConfigError where `path` is a file, or a folder that is no export: nothing of somebody else's is ever replaced.
    """
    if path.exists() and not (path / MARK).is_file() and not (path.is_dir() and not any(path.iterdir())):
        raise ConfigError(f"{path}: it is no export, and is left as it is; name another folder with --to")
    path.parent.mkdir(parents=True, exist_ok=True)
    written, old = atomic.temporary(path), atomic.temporary(path)
    try:
        written.mkdir()
        yield written
        (written / MARK).write_text(json.dumps(dict(facts), indent=1, ensure_ascii=False), encoding="utf-8")
        _swap(written, path, old)
    finally:
        for folder in (written, old):
            shutil.rmtree(folder, ignore_errors=True)


def _swap(written: Path, path: Path, old: Path) -> None:
    if path.exists():
        os.replace(path, old)  # noqa: PTH105 - replaces on every system
    try:
        atomic.publish(written, path)
    except BaseException:
        if old.exists() and not path.exists():
            os.replace(old, path)  # noqa: PTH105
        raise
