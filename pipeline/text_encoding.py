"""Decodes text files that people bring: UTF-8, UTF-16 and, by a guess that callers tell, the encodings of before."""

import codecs
import re
import unicodedata

UTF8 = "UTF-8"

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", UTF8),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),  # before UTF-16, whose mark is the beginning of this one
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
_SINGLE_BYTE = "cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256"
_CANDIDATES = [*_SINGLE_BYTE, "gb18030", "cp932", "euc_jp", "cp949", "big5", "cp866", "cp874", "mac_roman"]
"""Of two that fit equally well the first is taken. The ISO encodings are, but for rare characters, parts of these."""
_MAX_SAMPLE = 20_000
"""Bytes that the guess looks at: more costs time, and tells no more."""
_ALPHABETS = {"LATIN", "CYRILLIC", "GREEK", "HEBREW", "ARABIC", "THAI"}
_HIRAGANA = re.compile("[\u3040-\u309f]")
_WORD = re.compile(r"[^\W\d_]+")


def decode(data: bytes) -> tuple[str, str]:
    """The text, and the name of its encoding: "UTF-8" (with or without a mark), "UTF-16", "UTF-32", or a guess.

    Any other name, e.g. "cp1251", is a guess from the bytes, which may be wrong, and which a user must be told of.
    ValueError for bytes that are no text in any known encoding.
    """
    for mark, codec, name in _MARKS:
        if data.startswith(mark):
            return data.decode(codec), name
    if codec := _utf16_without_mark(data):
        return data.decode(codec), "UTF-16"
    try:
        return data.decode("utf-8"), UTF8
    except UnicodeDecodeError as error:
        guess = _guess(data)
        if guess is None:
            raise ValueError(f"no text in a known encoding (byte {error.start + 1} is no UTF-8)") from None
        return data.decode(guess), guess.replace("_", "-")


def _utf16_without_mark(data: bytes) -> str:
    """The codec of UTF-16 without a mark, seen by the zero bytes of its ASCII characters; empty for other bytes."""
    head = data[: _MAX_SAMPLE // 2 * 2]
    if len(data) % 2 or len(head) < 4:
        return ""
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) < 0.3 * len(head) / 2 or min(even, odd) > 0.1 * max(even, odd):
        return ""
    codec = "utf-16-be" if even > odd else "utf-16-le"
    try:
        data.decode(codec)
    except UnicodeDecodeError:
        return ""
    return codec


def _guess(data: bytes) -> str | None:
    """The most plausible of `_CANDIDATES`, or None; ASCII lines are left out, since they tell nothing."""
    from charset_normalizer import from_bytes

    if data.count(0) > len(data) / 1000:
        return None
    lines = b"\n".join(line for line in data.splitlines() if not line.isascii())[:_MAX_SAMPLE]
    found = from_bytes(lines, cp_isolation=_CANDIDATES, threshold=1.0, enable_fallback=False)
    scores = {
        name: (round(match.chaos + _strangeness(str(match), name), 2), -match.coherence, _CANDIDATES.index(name))
        for match in found
        for name in {match.encoding, *match.could_be_from_charset} & set(_CANDIDATES)
        if _decodes(data, name)
    }
    return min(scores, key=scores.__getitem__, default=None)


def _decodes(data: bytes, codec: str) -> bool:
    try:
        data.decode(codec)
    except UnicodeDecodeError:
        return False
    return True


def _strangeness(text: str, codec: str) -> float:
    """0 for plausible text, about 1 for what a wrong encoding makes of short words, on which the library is blind.

    Latin words of accented letters alone, capitals inside of words, words in two alphabets, and Japanese in a Chinese
    encoding are strange.
    """
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    if not words:
        return 0.0
    count = sum(any(test(word) for test in (_is_accents, _has_inner_capitals, _is_mixed)) for word in words)
    return count / len(words) + (0.5 if codec in {"gb18030", "big5", "cp949"} and _HIRAGANA.search(text) else 0.0)


def _is_accents(word: str) -> bool:
    accented = [letter for letter in word if not letter.isascii() and "LATIN" in unicodedata.name(letter, "")]
    return len(word) > 2 and len(accented) > 0.6 * len(word)


def _has_inner_capitals(word: str) -> bool:
    return any(letter.isupper() and not letter.isascii() for letter in word[1:])


def _is_mixed(word: str) -> bool:
    return len({unicodedata.name(letter, "").partition(" ")[0] for letter in word} & _ALPHABETS) > 1
