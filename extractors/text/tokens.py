"""The words of a text."""

import re
import unicodedata

_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def tokens(text: str) -> list[str]:
    """The words and numbers of `text`, as written; an apostrophe inside a word stays, other punctuation goes."""
    return _TOKEN.findall(unicodedata.normalize("NFKC", text).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
