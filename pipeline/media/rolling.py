"""Takes the repetitions out of rolling captions, where a line stands in two or three cues while the next one comes.

Automatic WebVTT, live captions and their conversions show the line before above the new one, or let a line grow word by
word. So do not ordinary subtitles: whether those of a file roll is decided on all its cues, and in a file that does not
roll, words that are said twice stay.
"""

from collections.abc import Iterator
from itertools import pairwise

from pipeline.media.markup import Cue

MAX_GAP_S = 1.0
"""A cue that begins later after the end of the one before shows nothing of it."""

BRIEF_S = 0.05
"""A cue that is shorter cannot be read: it is the moment (10 ms in YouTube's files) in which the lines roll up."""

ROLLING_SHARE = 0.5
"""Of the cues that follow another at once: so many must repeat the end of it and go on."""

MIN_LETTERS = 10
"""A single repetition of fewer letters, e.g. "Yes." and "Yes. Come in.", is no sign of rolling captions."""

MIN_TWICE = 3
"""So many texts that come twice in a row are a sign, if half of all cues are such; nobody speaks so."""

_MAX_LINES = 8
"""So many lines of a cue can still be shown in the next one; more would cost time on damaged files."""


def unrolled(cues: list[Cue]) -> list[Cue]:
    """The cues, which are sorted by time, without the words that the cue before showed already.

    Cues that are the same in words and times, as those of a shadow below the text, are there once in any file.
    """
    cues = list({(cue.start_s, cue.end_s, cue.words): cue for cue in reversed(cues)}.values())[::-1]
    if not _is_rolling(cues):
        return cues
    kept = cues[:1] + [cue.without(_num_repeated(before, cue)) for before, cue in pairwise(cues)]
    return [cue for cue in kept if cue.words]


def _is_rolling(cues: list[Cue]) -> bool:
    pairs = [(before, cue) for before, cue in pairwise(cues) if _follows(before, cue)]
    same = [cue.words for before, cue in pairs if _is_same(before, cue)]
    if 2 * len(same) >= len(pairs) and len(set(same)) >= MIN_TWICE:
        return True
    others = [(before, cue) for before, cue in pairs if not _is_same(before, cue)]
    signs = [sum(map(len, cue.words[:count])) for before, cue in others if (count := _num_repeated(before, cue))]
    return len(signs) >= ROLLING_SHARE * max(len(others), 1) and (len(signs) > 1 or sum(signs) >= MIN_LETTERS)


def _is_same(before: Cue, cue: Cue) -> bool:
    """Whether a text is there twice, long enough to be read each time: it may have been said twice."""
    is_brief = min(one.end_s - one.start_s for one in (before, cue)) <= BRIEF_S
    return (before.words, before.is_marked) == (cue.words, cue.is_marked) and not is_brief


def _follows(before: Cue, cue: Cue) -> bool:
    return before.start_s < cue.start_s <= before.end_s + MAX_GAP_S


def _num_repeated(before: Cue, cue: Cue) -> int:
    """With how many words the cue repeats the last lines of the one before: whole lines, or one that goes on."""
    if not _follows(before, cue):
        return 0
    for count in _lengths_of_last_lines(before):
        if count <= cue.num_settled and before.words[-count:] == cue.words[:count]:
            return count
    return 0


def _lengths_of_last_lines(cue: Cue) -> Iterator[int]:
    """Number of words from the start of a line to the end of the cue, the longest first."""
    yield from (len(cue.words) - start for start in cue.line_starts[-_MAX_LINES:])
