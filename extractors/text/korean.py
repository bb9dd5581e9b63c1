"""Parts Korean words from the particles that are written to them: 항구에서 is 항구 (harbour) with 에서 (at).

Without a dictionary 종이 may be paper, or a bell with a particle. So a word is indexed by all stems that it may have,
and a query is searched for as it is, but for particles at its end in which no noun ends.
"""

import regex

_NOUN_LIKE = "이 가 도 로 과 와 의 나 만 들 랑 야 라 며 요 서"
"""Particles that many nouns end in as well: 고양이 (cat), 지도 (map), 도로 (street), 사과 (apple)."""
_CLEAR = """
은 는 을 를 에 께 에서 에게 에게서 한테 한테서 께서 으로 으로서 으로써 로서 로써 까지 부터 보다 처럼 같이 마다 조차 마저
밖에 이나 이나마 나마 이든 든지 이든지 이라도 라도 이랑 하고 이며 이고 커녕 대로 만큼 뿐
이란 란 이여 이야 이라
"""
_CLEAR_VERB = """
입니다 입니까 이에요 예요 이다 이었다 였다 이었습니다 였습니다 이라는 이라고 라고 라는 이지만 이라면 이면
하다 합니다 합니까 했다 했습니다 한다 하는 하며 하면 해서 해요 했어요 하여 하였다 하자 하지 하기 하게 하던
되다 됩니다 되었다 되었습니다 됐다 됐습니다 된다 되는 되어 되고 되면
"""
"""Endings that make a verb of a noun: 출발 (departure), 출발합니다 (departs)."""
_VERB = "인 한 할 된 될 적인"
"""Such endings that nouns have as well: 미국인 is an American."""


def _any_of(*lists: str) -> str:
    return "|".join(sorted({word for words in lists for word in words.split()}))


_LONGEST = 8
"""Syllables of particles and endings together, at most: a hostile word must not take for ever."""
_PARTICLES = rf"(?:{_any_of(_NOUN_LIKE, _CLEAR)})*"
_AFTER_ONE = regex.compile(_PARTICLES)
_AFTER_TWO = regex.compile(rf"(?:{_any_of(_CLEAR_VERB, _VERB)})?{_PARTICLES}")
_CLEAR_END = regex.compile(rf"(?:{_any_of(_CLEAR, _CLEAR_VERB)})+")


def stems(word: str) -> list[str]:
    """Each beginning of the word after which nothing but particles or endings may come, and the word; shortest first.

    Endings that make verbs follow two syllables or more: 무한 (infinite) is not 무 (radish).
    """
    lengths = range(max(1, len(word) - _LONGEST), len(word))
    found = [word[:at] for at in lengths if (_AFTER_ONE if at == 1 else _AFTER_TWO).fullmatch(word, at)]
    return [*found, word]


def query_stem(word: str) -> str:
    """The word without the particles in which no noun ends: the query 항구에서 finds 항구는 too.

    A word of two syllables keeps them: 마을 (village) is no 마 with a particle.
    """
    for stem in stems(word):
        if len(stem) >= 2 and _CLEAR_END.fullmatch(word, len(stem)):
            return stem
    return word


def is_particle(word: str) -> bool:
    """Whether the word is nothing but particles: what is left of KBS에서 after the Latin letters."""
    return len(word) <= _LONGEST and _AFTER_TWO.fullmatch(word) is not None
