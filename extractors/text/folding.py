"""The form in which two spellings of a word are equal: in vectors of words, in full text and in queries.

Folded are: case; accents of Latin and Greek letters; the points of Hebrew, the vowel signs of Arabic and its stretched
letters, since people type without them; alef with and without hamza, and the Persian forms of yeh and kaf, since
keyboards differ; dotless i; Cyrillic io, and stress marks; digits of all scripts; colours of emoji; what is not seen.

Kept are all marks that make another word: vowel signs of Indian and South East Asian scripts, nukta, voicing marks of
kana, Cyrillic short i; and Arabic teh marbuta. Nothing converts Zawgyi's Burmese, or traditional Chinese.
"""

import unicodedata
from functools import lru_cache

import regex

from extractors.text.tokens import normalised

_UNSEEN = regex.compile(r"[\p{DI}\p{Emoji_Modifier}\p{Me}]")
_DIGIT = regex.compile(r"[\p{Nd}--0-9]", regex.VERSION1)
_ACCENTED = regex.compile(r"([\p{Latin}\p{Greek}])\p{Mn}+")
_POINTED = regex.compile(r"([\p{Hebrew}\p{Arabic}\p{Syriac}\p{Cyrillic}])\p{Mn}+")
_LETTERS = str.maketrans(
    {
        "\N{LATIN SMALL LETTER DOTLESS I}": "i",
        "\N{CYRILLIC SMALL LETTER IO}": "\N{CYRILLIC SMALL LETTER IE}",
        **dict.fromkeys("\u0622\u0623\u0625\u0671", "\N{ARABIC LETTER ALEF}"),
        "\N{ARABIC LETTER FARSI YEH}": "\N{ARABIC LETTER YEH}",
        "\N{ARABIC LETTER KEHEH}": "\N{ARABIC LETTER KAF}",
        "\N{ARABIC TATWEEL}": None,
        '"': None,  # of a Hebrew acronym
    }
)
# Until Unicode 5.1 the Malayalam chillus, and until 4.1 the Bengali khanda ta, were letter, virama and U+200D, as old
# files still have it; without U+200D that would be another word.
_FORMER = {
    letter + virama + "\u200d": now
    for virama, letters in (("\u0d4d", "ണൺനൻരർലൽളൾകൿ"), ("\u09cd", "তৎ"))
    for letter, now in zip(letters[::2], letters[1::2], strict=True)
}
_FORMER_LETTER = regex.compile("|".join(_FORMER))


def fold(word: str) -> str:
    """The word as it is compared with others; in lower case, if it is ASCII. Empty where nothing of it is seen."""
    return word.lower() if word.isascii() else _folded(word)


@lru_cache(maxsize=65536)
def _folded(word: str) -> str:
    # Twice: lower case may be a compatibility form, and a folded letter may compose with what comes next.
    lower = normalised(normalised(word).casefold())
    current = _FORMER_LETTER.sub(lambda found: _FORMER[found[0]], lower)
    visible = _DIGIT.sub(lambda found: str(unicodedata.decimal(found[0])), _UNSEEN.sub("", current))
    plain = _ACCENTED.sub(r"\1", unicodedata.normalize("NFD", visible))
    letters = unicodedata.normalize("NFC", plain).translate(_LETTERS)
    return normalised(_POINTED.sub(r"\1", letters))
