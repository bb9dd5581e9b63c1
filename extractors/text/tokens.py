"""Splits a text into words.

In a module of its own because full-text search needs it without numpy.
"""

import re
import unicodedata

_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def tokens(text: str) -> list[str]:
    """The words and numbers of `text` in NFKC, case kept; punctuation is dropped, but for apostrophes inside a word."""
    return _TOKEN.findall(unicodedata.normalize("NFKC", text).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
