"""Splits a text into words, in any script: the one home of what a word is.

Where a script puts blanks between words, a word is what Unicode calls one (UAX #29): letters with their combining
marks, numbers, apostrophes inside. Scripts without blanks have no words that could be found without a dictionary of the
language, and a dictionary would cut the same word in another way in another sentence. So their words here are the
smallest pieces that are read on their own: a Chinese character, a run of one kind of Japanese kana, a syllable as it is
written in Thai, Lao, Khmer or Burmese. Searching joins them again: see `queries.py`.

In a module of its own because full-text search needs it without numpy.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import regex

SOUTH_EAST_ASIAN = (
    r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tai_Le}\p{New_Tai_Lue}\p{Tai_Tham}\p{Tai_Viet}\p{Javanese}\p{Balinese}"
)
_KANA = r"\p{Hiragana}\p{Katakana}ー"
_HAN = r"\p{scx=Han}\p{Bopomofo}\p{Yi}"
_UNSPACED = rf"[[{SOUTH_EAST_ASIAN}{_KANA}{_HAN}]&&[\p{{L}}\p{{Nl}}]]"
_HANGUL = r"[\p{Hangul}&&\p{L}]"
_SPACED = rf"[[\p{{L}}\p{{N}}]--{_UNSPACED}--{_HANGUL}]"
_MARK = r"[\p{M}\u200c\u200d]"  # U+200C and U+200D join or part letters of one word
_STACKS = r"(?<=[\u17d2\u1039\u1a60\ua9c0\u1b44])"  # the letter after such a sign is written below the one before it
_LETTER_OF = rf"[[{SOUTH_EAST_ASIAN}]&&\p{{L}}]"
_FOLLOWING_VOWEL = "[\u0e30\u0e32\u0e33\u0e45\u0eb0\u0eb2\u0eb3]"
_SILENCED = rf"{_LETTER_OF}\u1037?\u103a"  # a Burmese consonant that ends the syllable
_INSIDE = rf"""(?: ' | (?<=\p{{Hebrew}}{_MARK}*)"(?=\p{{Hebrew}}) | (?<=[lL])·(?=[lL]) )"""

_WORD = regex.compile(
    rf"""
      (?P<emoji> \p{{RI}}\p{{RI}} | (?:[\p{{Emoji_Presentation}}--\p{{RI}}] | \p{{Extended_Pictographic}}(?=\ufe0f))
                 [\ufe0f\p{{Emoji_Modifier}}\U000e0020-\U000e007f]*
                 (?: \u200d\p{{Extended_Pictographic}}[\ufe0f\p{{Emoji_Modifier}}]* )* )
    | (?P<syllable> (?:\p{{LOE}}(?={_LETTER_OF}))? {_LETTER_OF} {_MARK}*
                    (?: {_STACKS}{_LETTER_OF}{_MARK}* | {_FOLLOWING_VOWEL}{_MARK}* | {_SILENCED}{_MARK}* )* )
    | (?P<kana> (?:[\p{{Hiragana}}&&\p{{L}}]{_MARK}*) (?:[[\p{{Hiragana}}ー]&&\p{{L}}]{_MARK}*)*
              | (?:[[\p{{Katakana}}ー]&&\p{{L}}]{_MARK}*)+ )
    | (?P<character> {_UNSPACED}{_MARK}* )
    | (?P<hangul> (?:{_HANGUL}{_MARK}*)+ )
    | (?P<spaced> (?:{_SPACED}{_MARK}*)+
                  (?: {_INSIDE} (?:{_SPACED}{_MARK}*)+ )* )
    """,
    regex.VERSION1 | regex.VERBOSE,
)
_WORD_IN_ASCII = regex.compile("(?P<spaced>[A-Za-z0-9]+(?:'[A-Za-z0-9]+)*)")  # the same, ten times as fast
_UNSPACED_KINDS = frozenset({"syllable", "kana", "character"})

_SAME = str.maketrans(
    {
        "\N{RIGHT SINGLE QUOTATION MARK}": "'",
        "\N{MODIFIER LETTER APOSTROPHE}": "'",
        "\N{HEBREW PUNCTUATION GERESH}": "'",
        "\N{HEBREW PUNCTUATION GERSHAYIM}": '"',
        "\N{SOFT HYPHEN}": None,
        "\N{WORD JOINER}": None,
        "\N{ZERO WIDTH NO-BREAK SPACE}": None,
    }
)
_SPLIT_AM = regex.compile("([\u0e4d\u0ecd])([\u0e48-\u0e4b\u0ec8-\u0ecb]?)([\u0e32\u0eb2])")
_AM = {"\u0e32": "\u0e33", "\u0eb2": "\u0eb3"}


class Word(NamedTuple):
    """A word of a text."""

    text: str
    kind: str
    """emoji; syllable, kana or character, of scripts without blanks; hangul; spaced: of all other scripts."""
    start: int
    """Of its first character in the normalised text."""

    @property
    def is_unspaced(self) -> bool:
        """Whether its script puts no blanks between words."""
        return self.kind in _UNSPACED_KINDS

    @property
    def end(self) -> int:
        """Behind its last character in the normalised text."""
        return self.start + len(self.text)


def normalised(text: str) -> str:
    """The text in NFKC with one kind of apostrophe, without invisible hyphens; what `words` splits."""
    if text.isascii():
        return text
    composed = unicodedata.normalize("NFKC", text.translate(_SAME)).translate(_SAME)
    # NFKC takes the Thai and Lao vowel AM apart, which nobody types, and no table of word vectors holds.
    return str(_SPLIT_AM.sub(lambda found: found[2] + _AM[found[3]], composed))


def words(text: str) -> Iterator[Word]:
    """The words of a `normalised` text, in order; punctuation lies between them."""
    pattern = _WORD_IN_ASCII if text.isascii() else _WORD
    return (Word(found[0], str(found.lastgroup), found.start()) for found in pattern.finditer(text))


def tokens(text: str) -> list[str]:
    """The words and numbers of `text` in NFKC, case kept; punctuation is dropped, but for apostrophes inside a word."""
    return [word.text for word in words(normalised(text))]


def is_unspaced(word: str) -> bool:
    """Whether all of the word is in scripts that put no blanks between words; False without a letter."""
    if word.isascii():
        return False
    found = list(words(normalised(word)))
    return bool(found) and all(one.is_unspaced for one in found)


def sentence(texts: Sequence[str]) -> str:
    """Words as a sentence: with a blank between two, but for those of scripts without blanks."""
    joined: list[str] = []
    for text in texts:
        if joined and not (is_unspaced(joined[-1]) and is_unspaced(text)):
            joined.append(" ")
        joined.append(text)
    return "".join(joined)
