"""What an index tells of its collection as a whole: what each expert has and lacks, and why; and vectors for a map.

overview.json             the counts and reasons     overview/<expert>.npz   mean vectors of videos, rows of the index
"""

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline import config, plain_data
from pipeline.errors import ConfigError, DamagedError
from pipeline.stores import atomic, places

FILE, FOLDER = "overview.json", "overview"
MOST_REASONS, MOST_NAMED = 20, 5


@dataclass(frozen=True)
class Reason:
    """A reason, and the videos that have it."""

    text: str
    num_videos: int
    videos: tuple[str, ...]
    """The ids of the first ones."""


@dataclass(frozen=True)
class OfExpert:
    """What an expert has of the videos of the index."""

    present: int
    """Videos with features."""
    absent: int
    """Videos in which there is nothing for the expert, e.g. nobody speaks."""
    failed: int
    """Videos that the expert could not be shown, or could not read."""
    reasons: tuple[Reason, ...]
    """Why they failed, the most frequent reasons first."""


@dataclass(frozen=True)
class Overview:
    """The contents of overview.json."""

    experts: dict[str, OfExpert]
    left_out: tuple[Reason, ...] = ()
    """Videos of the dataset that are not in the index, as their files cannot be read."""
    missing: tuple[Reason, ...] = ()
    """Videos of the index without a file."""


def reasons(of_videos: Iterable[tuple[str, str]]) -> tuple[Reason, ...]:
    """The at most MOST_REASONS most frequent reasons of (id of a video, reason)."""
    counts, named = Counter[str](), dict[str, list[str]]()
    for video_id, text in of_videos:
        counts[text] += 1
        if len(first := named.setdefault(text, [])) < MOST_NAMED:
            first.append(video_id)
    best = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:MOST_REASONS]
    return tuple(Reason(text, count, tuple(named[text])) for text, count in best)


def write(folder: Path, overview: Overview) -> None:
    """Writes overview.json into the folder of an index."""
    atomic.write_text(folder / FILE, json.dumps(dataclasses.asdict(overview), ensure_ascii=False, indent=1))


def read(folder: Path) -> Overview | None:
    """The overview of an index; None for one that was built before version 10. DamagedError when it is damaged."""
    path = places.fetched(folder / FILE)
    if not path.is_file():
        return None
    try:
        return config.parse(Overview, plain_data.parse_json(path.read_text(encoding="utf-8")), str(path))
    except (ConfigError, OSError, ValueError) as error:
        raise DamagedError(folder, f"{FILE} cannot be read ({error}); BuildIndex makes it anew") from None


def write_vectors(folder: Path, expert: str, rows: Sequence[int], vectors: NDArray[np.float32]) -> None:
    """Writes the vectors (K, D) of K rows of the index; half precision, which is enough to look at."""
    (folder / FOLDER).mkdir(exist_ok=True)
    np.savez(folder / FOLDER / f"{expert}.npz", rows=np.array(rows, np.int64), vectors=vectors.astype(np.float16))


def read_vectors(folder: Path, expert: str) -> tuple[NDArray[np.int64], NDArray[np.float32]] | None:
    """(K,) rows and (K, D) vectors; None where the index has none of the expert."""
    path = places.fetched(folder / FOLDER / f"{expert}.npz")
    if not path.is_file():
        return None
    with np.load(path) as arrays:
        return arrays["rows"], arrays["vectors"].astype(np.float32)
