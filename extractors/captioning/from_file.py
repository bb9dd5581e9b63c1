"""Captions of clips that somebody else has made: JSON lines, each what is said of one stretch of one video.

    {"video": "kitchen/pasta.mp4", "start_s": 0, "end_s": 10, "text": "A man cooks pasta."}

`video` is the path of the file from anywhere above it, with its suffix or without; without `start_s` and `end_s` the
text is on the whole video.
"""

import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from extractors.captioning.plain import plain
from pipeline.errors import WeightsError
from pipeline.plain_data import parse_json

MOST_BYTES = 1_000_000
"""Of a line."""


class Said(NamedTuple):
    """What is said of a stretch of a video."""

    start_s: float
    end_s: float
    """Infinite: up to the end of the video."""
    text: str


class CaptionFile:
    """All captions of a file, in memory."""

    def __init__(self, path: Path) -> None:
        """WeightsError, with the number of the line, for what is no such file."""
        self._said: dict[str, list[Said]] = {}
        with path.open("rb") as lines:
            for number, line in enumerate(iter(lambda: lines.readline(MOST_BYTES + 1), b""), 1):
                if len(line) > MOST_BYTES:
                    raise WeightsError(f"{path}: line {number}: longer than {MOST_BYTES / 1e6:g} MB")
                if line.strip():
                    video, said = _read(line, f"{path}: line {number}")
                    self._said.setdefault(video, []).append(said)

    def of(self, path: str) -> list[Said]:
        """What is said of the video at a path, by time; of two names that fit, the longer one counts."""
        found = (self._said[name] for name in _names(path) if name in self._said)
        return sorted(next(found, []), key=lambda said: said.start_s)


def _names(path: str) -> Iterator[str]:
    """The names by which a line may call the video, the longest first."""
    parts = PurePosixPath(path).parts
    for first in range(len(parts)):
        name = PurePosixPath(*parts[first:])
        yield str(name)
        yield str(name.with_suffix(""))


def _read(line: bytes, where: str) -> tuple[str, Said]:
    try:
        told: Any = parse_json(line)
        start_s, end_s = float(told.get("start_s", 0.0)), float(told.get("end_s", math.inf))
        video, text = told["video"], told["text"]
        is_right = isinstance(video, str) and isinstance(text, str) and 0 <= start_s < end_s
    except (ValueError, KeyError, TypeError, AttributeError):
        is_right = False
    if not is_right:
        raise WeightsError(
            f'{where}: not like {{"video": "clip.mp4", "start_s": 0, "end_s": 10, "text": "A man cooks."}}, with '
            "start_s from 0 and below end_s"
        )
    return str(PurePosixPath(video)), Said(start_s, end_s, plain(text))
