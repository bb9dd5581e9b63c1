"""Reads the words that experts such as OCR and speech recognition stored beside their vectors."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from extractors.word_experts.segments import WORD_TIMES
from pipeline.datasets.manifest import Video
from pipeline.stores import parts, store
from pipeline.stores.keys import pack
from search.engines.fulltext import Document

Wanted = Mapping[str, Mapping[str, Sequence[int]]]
"""Expert -> key of a row in its store -> rows of the index whose words are wanted."""


def read_words(
    stores: Mapping[str, Path], key: Callable[[str, Video], str], videos: Sequence[Video]
) -> Iterator[Document]:
    """The words of each of `videos`, by expert; `key(expert, video)` is the key of the row in the expert's store."""
    keys = {name: [key(name, video) for video in videos] for name in stores}
    return read_some(stores, rows_by_key(keys, dict.fromkeys(stores, range(len(videos)))))


def read_some(stores: Mapping[str, Path], wanted: Wanted) -> Iterator[Document]:
    """The words of videos, by expert; reads the parts alone that hold rows with vectors that are wanted."""
    for expert, path in stores.items():
        rows = {key: list(of_key) for key, of_key in wanted[expert].items()}
        for part in _parts_with(path, list(rows)):
            if "text" not in store.arrays_of(part):
                continue
            text, times = parts.read_array(part, "text"), parts.read_array(part, "times_s")
            if text is None or times is None:
                continue
            spans = parts.read_array(part, WORD_TIMES)
            for row, span in store.spans(part):
                # A row that occurs in two parts is read once.
                for index in rows.pop(row.key, []) if row.count else []:
                    words, times_s = [str(word) for word in text[span]], times[span].tolist()
                    if spans is not None:
                        words, times_s = _words_of(words, [str(told) for told in spans[span]])
                    yield Document(index, expert, words, times_s)


def rows_by_key(
    keys: Mapping[str, Sequence[str]], rows: Mapping[str, Iterable[int]]
) -> dict[str, dict[str, list[int]]]:
    """Expert -> key -> those of the `rows` of the index that have it, of the keys of all V videos by expert."""
    found: dict[str, dict[str, list[int]]] = {}
    for expert, of_expert in keys.items():
        by_key = found[expert] = {}
        for row in rows[expert]:
            by_key.setdefault(of_expert[row], []).append(row)
    return found


def _parts_with(folder: Path, keys: Sequence[str]) -> list[Path]:
    """The parts of a store that hold rows of these keys with vectors."""
    table = store.table(folder)
    if not keys or not len(table):
        return []
    places = table.sorted.find(pack(keys)[0])
    places = places[places >= 0]
    numbers = np.unique(table.parts_of(places[table.counts[places] > 0]))
    return [folder / table.parts[number] for number in numbers.tolist()]


def _words_of(segments: Sequence[str], spans: Sequence[str]) -> tuple[list[str], list[tuple[float, float]]]:
    """The single words of segments, and their times, which `extractors/word_experts/segments.py` wrote."""
    words = [word for segment in segments for word in segment.split(" ")]
    edges = [told.split("-") for span in spans for told in span.split(" ")]
    return words, [(float(start), float(end)) for start, end in edges]
