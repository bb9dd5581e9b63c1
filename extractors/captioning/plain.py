"""What a model says, as plain text of a bounded length: nobody knows what it was made to say."""

import unicodedata

import regex

MOST_CHARS = 2000
"""Of a clip; what goes on after it is cut off, at a blank where there is one."""

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of characters that are no text: controls, changes of direction, halves of pairs, separators of lines."""
_JOINERS = frozenset("\u200c\u200d")
"""They join or part letters of one word."""
_THOUGHTS_END = "</think>"
_END = regex.compile(r"(?<=[.!?…][\"'”’)\]]*)\s+|(?<=[。！？])|\n+")


def plain(text: str, most: int = MOST_CHARS) -> str:
    """The text without what a reasoning model thinks first, without characters that are none, in one line.

    At most `most` characters; empty where nothing is left.
    """
    cut = text.rpartition(_THOUGHTS_END)[2][: 4 * most]
    line = " ".join("".join(char if _is_seen(char) else " " for char in cut).split())
    if len(line) <= most:
        return line
    return line[:most].rpartition(" ")[0] or line[:most]


def sentences(text: str) -> list[str]:
    """The sentences of a text in order, by the marks that end one; a text without any is one."""
    return [part.strip() for part in _END.split(text) if part and part.strip()]


def _is_seen(char: str) -> bool:
    return char in _JOINERS or unicodedata.category(char) not in _UNSEEN
