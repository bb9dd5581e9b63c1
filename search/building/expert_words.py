"""Reads the words that experts such as OCR and speech recognition stored beside their vectors."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from extractors.word_experts.segments import WORD_TIMES
from pipeline.datasets.manifest import Video
from pipeline.stores import parts, store
from search.engines.fulltext import Document


def read_words(
    stores: Mapping[str, Path], key: Callable[[str, Video], str], videos: Sequence[Video]
) -> Iterator[Document]:
    """The words of each of `videos`, by expert; `key(expert, video)` is the key of the row in the expert's store."""
    for expert, path in stores.items():
        rows: dict[str, list[int]] = {}
        for index, video in enumerate(videos):
            rows.setdefault(key(expert, video), []).append(index)
        for part in store.parts(path):
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


def _words_of(segments: Sequence[str], spans: Sequence[str]) -> tuple[list[str], list[tuple[float, float]]]:
    """The single words of segments, and their times, which `extractors/word_experts/segments.py` wrote."""
    words = [word for segment in segments for word in segment.split(" ")]
    edges = [told.split("-") for span in spans for told in span.split(" ")]
    return words, [(float(start), float(end)) for start, end in edges]
