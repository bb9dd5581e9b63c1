"""The words of subtitles that a segment of a video shows."""

import functools
from pathlib import Path

import numpy as np

from extractors.base import WordView
from pipeline.datasets.stamps import stamps_of
from pipeline.errors import DecodeError, PipelineError, in_one_line
from pipeline.media.container import is_of_machine
from pipeline.media.subtitles import Subtitles, read_subtitles


def words_between(
    path: Path, language: str, start_s: float, stop_s: float, end_s: float, offset_s: float = 0.0
) -> tuple[WordView, str]:
    """The words that begin within a span of the video, which ends at `end_s`; and what is to be said of its subtitles.

    Subtitles may go on after the end of the video, e.g. those of a longer cut. Of a clip, that begins at `offset_s`,
    the times of the words count from there. DecodeError when there are some that cannot be read.
    """
    subtitles = _cached_subtitles(path, language, stamps_of(path))
    words = [word for word in subtitles.words if start_s <= word.start_s < stop_s]
    times_s = np.array([(word.start_s, min(word.end_s, end_s)) for word in words], np.float64).reshape(-1, 2)
    return WordView(np.array([word.text for word in words], dtype=np.str_), times_s - offset_s), subtitles.note


@functools.lru_cache(maxsize=2)
def _cached_subtitles(path: Path, language: str, stamps: tuple[int, ...]) -> Subtitles:
    """As `read_subtitles`, once for all segments of a video: a track is spread over the whole file."""
    try:
        return read_subtitles(path, language)
    except PipelineError:
        raise
    except Exception as error:  # whatever is wrong with subtitles must cost nothing but the words
        if is_of_machine(error):
            raise
        raise DecodeError(f"subtitles: {in_one_line(error)}") from error
