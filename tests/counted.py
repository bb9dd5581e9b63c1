"""Counts what a piece of work does: frames decoded, files read, folders listed, networks called, tasks asked.

Each is counted at one place that all of the program goes through, and nothing of the program knows of it.
"""

import functools
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import luigi

FRAMES = "frames decoded"
VIDEOS = "videos opened"
FILES = "files read"
FOLDERS = "folders listed"
DATABASES = "databases opened"
NETWORKS = "network calls"
ASKED = "tasks asked whether they are complete"
COUNTED = (FRAMES, VIDEOS, FILES, FOLDERS, DATABASES, NETWORKS, ASKED)

_EVENTS = {"open": FILES, "os.listdir": FOLDERS, "os.scandir": FOLDERS, "sqlite3.connect": DATABASES}
_listening: list[tuple[str, Counter[str]]] = []


@contextmanager
def counted(folder: Path) -> Iterator[Counter[str]]:
    """Context in which the work of this process is counted: kind -> number; of files and folders those in `folder`."""
    counts: Counter[str] = Counter()
    _hook()
    _listening.append((f"{folder}{os.sep}", counts))
    try:
        with ExitStack() as patches:
            _count_media(counts, patches)
            _count_networks(counts, patches)
            _count_tasks(counts, patches)
            yield counts
    finally:
        _listening.clear()


@functools.cache
def _hook() -> None:
    """Listens to what Python tells of itself, once and for good: there is no way to take it back."""
    sys.addaudithook(_hear)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    kind = _EVENTS.get(event) if _listening else None
    if not kind or not arguments or not isinstance(arguments[0], str | bytes | Path):
        return
    folder, counts = _listening[0]
    if os.fsdecode(arguments[0]).startswith(folder) and (kind != FILES or not arguments[2] & os.O_ACCMODE):
        counts[kind] += 1


def _count_media(counts: Counter[str], patches: ExitStack) -> None:
    import av

    from pipeline.media import cursor

    decode, open_file = cursor._decoded, av.open

    def decoded(*arguments: Any) -> Any:
        for frame in decode(*arguments):
            counts[FRAMES] += 1
            yield frame

    def opened(*arguments: Any, **options: Any) -> Any:
        counts[VIDEOS] += 1
        return open_file(*arguments, **options)

    patches.enter_context(mock.patch.object(cursor, "_decoded", decoded))
    patches.enter_context(mock.patch.object(av, "open", opened))


def _count_networks(counts: Counter[str], patches: ExitStack) -> None:
    """Counts the calls of whole networks, by hooks on all modules: a module inside of another is a part of its call."""
    from torch.nn.modules import module

    depth = [0]

    def before(*_: Any) -> None:
        counts[NETWORKS] += not depth[0]
        depth[0] += 1

    def after(*_: Any) -> None:
        depth[0] -= 1

    for handle in (
        module.register_module_forward_pre_hook(before),
        module.register_module_forward_hook(after, always_call=True),
    ):
        patches.callback(handle.remove)


def _count_tasks(counts: Counter[str], patches: ExitStack) -> None:
    import tasks

    def patched(complete: Any) -> Any:
        def asked(task: luigi.Task) -> bool:
            counts[ASKED] += 1
            return bool(complete(task))

        return asked

    for name in tasks.__all__:
        task = getattr(tasks, name)
        patches.enter_context(mock.patch.object(task, "complete", patched(task.complete)))
