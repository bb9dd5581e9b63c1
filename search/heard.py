"""What the experts kept beside their vectors: the words that they read, and when each vector is of."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline import parts, store
from pipeline.manifest import Video
from pipeline.ragged import Ragged
from search.fulltext import Heard


def read_words(
    stores: Mapping[str, Path], key: Callable[[str, Video], str], videos: Sequence[Video]
) -> Iterator[Heard]:
    """The words in each of `videos`, by expert, where one kept any; `key(expert, video)` names the row in a store."""
    for expert, path in stores.items():
        rows: dict[str, list[int]] = {}
        for index, video in enumerate(videos):
            rows.setdefault(key(expert, video), []).append(index)
        for part in store.parts(path):
            text, times = parts.read_array(part, "text"), parts.read_array(part, "times_s")
            if text is None or times is None:
                continue
            for name, span in _spans(part):
                for index in rows.get(name, []) if span.stop > span.start else []:
                    yield Heard(index, expert, [str(word) for word in text[span]], times[span].tolist())


def read_times(path: Path, keys: Sequence[str]) -> Ragged:
    """Start and end of each vector of the rows called `keys`: rows of (n, 2)."""
    found: dict[str, NDArray[np.float32]] = {}
    for part in store.parts(path):
        times = parts.read_array(part, "times_s")
        assert times is not None, "every part has times"
        for key, span in _spans(part):
            if key not in found or span.stop > span.start:
                found[key] = times[span].astype(np.float32)
    return Ragged.stack([found[key] for key in keys], 2)


def _spans(part: Path) -> Iterator[tuple[str, slice]]:
    at = 0
    for row in store.rows_of(part):
        yield row.key, slice(at, at + row.count)
        at += row.count
