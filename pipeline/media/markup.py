"""Takes the markup off the text of subtitles: tags of SubRip and WebVTT, override blocks of ASS, entities.

One set of rules for all formats, since converters leave the markup of one in files of another.
"""

import html
import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from itertools import pairwise

_MARKUP = re.compile(r"[<{\\]")
_BLOCK = re.compile(r"\{([^{}]*)\}")
_OVERRIDE = re.compile(r"\\|[CcFfoPSsYy]:")
"""How a block begins that players take off SubRip too; {laughs} they show."""
_DRAWING = re.compile(r"\\p(\d+)")
_RUBY = re.compile(r"<rt\b[^<>]*>[^<]*(?:</rt>)?", re.IGNORECASE)
"""How a word is pronounced, above the word itself."""
_BREAK_TAG = re.compile(r"</?(?:br|p|div|v)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9]*(?:[.\s/][^<>]*)?>|</>")
"""With a name and a space, so that "1 <3", "a < b", <http://a.b> and <a@b.c> stay."""
_STAMP = re.compile(r"<((?:\d+:)?\d+:\d+[.,]\d+)>")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
"""With its semicolon: AT&T and "R&D" stay."""
_UNSEEN = re.compile("[\u00ad\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
"""Marks of direction, soft hyphens and the like. Joiners (U+200C, U+200D) are parts of words, and stay."""
_BLANK = re.compile("[\x00-\x1f\x7f-\x9f\u200b]+")
MAX_LETTERS = 200
"""Longer words are cut: what is no text at all must not make the arrays of all words as wide."""

_PLACE_OF_BRACE = str.maketrans({"\ue000": "{", "\ue001": "}"})


@dataclass(frozen=True)
class Cue:
    """One subtitle as it is shown, without markup."""

    start_s: float
    end_s: float
    words: tuple[str, ...]
    line_starts: tuple[int, ...] = (0,)
    """Indices of the words with which lines begin."""
    stamps: tuple[tuple[int, float], ...] = ()
    """(number of letters before it, time in seconds) of times inside the text, as WebVTT has them; rising."""
    num_settled: int = 0
    """Number of words above the first line with stamps, or of all without stamps: they may have been said before."""
    is_marked: bool = False
    """Whether there was markup, with which players highlight the word that is being said."""

    def without(self, num_words: int) -> "Cue":
        """The cue from the word `num_words` on."""
        letters = sum(map(len, self.words[:num_words]))
        stamps = tuple((at - letters, time_s) for at, time_s in self.stamps if at >= letters)
        starts = tuple(start - num_words for start in self.line_starts if start >= num_words)
        return replace(self, words=self.words[num_words:], line_starts=starts, stamps=stamps)

    def times_s(self) -> list[tuple[float, float]]:
        """Start and end of each word: between two stamps a word has a share of the time by its number of letters."""
        edges = [0]
        for word in self.words:
            edges.append(edges[-1] + len(word))
        points = [(0, self.start_s), *self.stamps, (edges[-1], self.end_s)]
        if any(one[1] > other[1] for one, other in pairwise(points)):
            points = [points[0], points[-1]]  # stamps of another clock, or damaged ones
        places = [place for place, _ in points]
        return [
            (_at(points, bisect_right(places, begin) - 1, begin), _at(points, bisect_left(places, end) - 1, end))
            for begin, end in pairwise(edges)
        ]


def _at(points: list[tuple[int, float]], index: int, letters: int) -> float:
    """The time after so many letters, on the straight line from the point with this index to the next."""
    (from_letters, from_s), (to_letters, to_s) = points[index], points[index + 1]
    return from_s + (to_s - from_s) * (letters - from_letters) / (to_letters - from_letters)


def plain_cue(text: str, start_s: float, end_s: float, is_ass: bool = False) -> Cue:
    """The cue with this text, of ASS or of another format.

    Times inside the text that lie outside the cue count from its start, as in Matroska.
    """
    words: list[str] = []
    starts: list[int] = []
    stamps: list[tuple[int, float]] = []
    letters, settled = 0, None
    for line in _without_tags(text, is_ass).splitlines():
        parts = _STAMP.split(line)
        settled = len(words) if settled is None and len(parts) > 1 else settled
        parts[::2] = map(_characters, parts[::2])
        for plain, stamp in zip(parts[::2], [*parts[1::2], ""], strict=True):
            letters += len("".join(plain.split()))
            if stamp:
                stamps.append((letters, _seconds(stamp)))
        found = [piece for word in "".join(parts[::2]).split() for piece in _pieces(word)]
        if found:
            starts.append(len(words))
        words += found
    if stamps and not all(start_s <= time_s <= end_s for _, time_s in stamps):
        stamps = [(at, start_s + time_s) for at, time_s in stamps]
    kept = tuple(stamp for stamp in stamps if stamp[0] < letters)
    num_settled = len(words) if settled is None else settled
    return Cue(start_s, end_s, tuple(words), tuple(starts), kept, num_settled, text.split() != words)


def _pieces(word: str) -> list[str]:
    return [word[at : at + MAX_LETTERS] for at in range(0, len(word), MAX_LETTERS)]


def _seconds(clock: str) -> float:
    """A time such as 01:02:03.5 or 02:03,500 in seconds."""
    total_s = 0.0
    for part in clock.replace(",", ".").split(":"):
        total_s = total_s * 60 + float(part)
    return total_s


def _without_tags(text: str, is_ass: bool) -> str:
    if not _MARKUP.search(text):
        return text
    text = text.replace(r"\{", "\ue000").replace(r"\}", "\ue001")
    shown, at, is_drawing = [], 0, False
    for block in _BLOCK.finditer(text):
        if not (is_ass or _OVERRIDE.match(block.group(1))):
            continue
        if not is_drawing:
            shown.append(text[at : block.start()])
        at = block.end()
        for scale in _DRAWING.findall(block.group(1)):
            is_drawing = int(scale[:9]) > 0
    if not is_drawing:
        shown.append(text[at:])
    text = "".join(shown).replace(r"\N", "\n").replace(r"\n", "\n").replace(r"\h", " ")
    text = _BREAK_TAG.sub(" ", _RUBY.sub("", text))
    return _TAG.sub("", text).translate(_PLACE_OF_BRACE)


def _characters(text: str) -> str:
    """Entities as characters; twice, since they come escaped twice (&amp;#39;) from web pages."""
    for _ in range(2 if "&" in text else 0):
        text = _ENTITY.sub(lambda entity: html.unescape(entity.group()), text)
    return text if text.isprintable() else _BLANK.sub(" ", _UNSEEN.sub("", text))
