import pytest

from extractors.text.korean import is_particle, query_stem, stems

NOUNS = [
    "항구",
    "고양이",
    "나라",
    "사과",
    "지도",
    "바나나",
    "종이",
    "배",
    "물",
    "학교",
    "어린이",
    "도로",
    "사람들",
    "마을",
]
PARTICLES = [
    "이",
    "가",
    "은",
    "는",
    "을",
    "를",
    "에",
    "에서",
    "에게",
    "의",
    "로",
    "으로",
    "와",
    "과",
    "도",
    "만",
    "까지",
    "부터",
    "보다",
    "처럼",
    "하고",
    "이나",
    "에서는",
    "까지만",
    "에서도",
]


@pytest.mark.parametrize("noun", NOUNS)
def test_a_noun_is_among_the_stems_of_its_forms(noun):
    for particle in PARTICLES:
        assert noun in stems(noun + particle), particle
        assert query_stem(noun + particle) in stems(noun + particle)


def test_another_word_that_begins_alike_has_not_that_stem():
    for noun, other in [
        ("배", "배우"),
        ("항", "항구"),
        ("항구", "항공"),
        ("항구", "항구적"),
        ("자전", "자전거"),
        ("무", "무한"),
    ]:
        assert noun not in stems(other)


def test_verbs_made_of_a_noun_have_it_as_a_stem():
    for verb in ("출발합니다", "출발했다", "출발하는", "출발입니다"):
        assert "출발" in stems(verb)
        assert query_stem(verb) == "출발"


def test_a_query_keeps_what_may_be_part_of_a_noun():
    for noun in ("고양이", "마을", "미국인", "가을", "지도", "배를"):
        assert query_stem(noun) == noun
    assert query_stem("항구에서는") == "항구"


def test_particles_alone_are_told():
    assert [is_particle(word) for word in ("에서", "에서는", "입니다", "항구")] == [True, True, True, False]


def test_a_word_of_nothing_but_particles_has_few_stems_however_long_it_is():
    for word in ("가" * 100_000, "이나" * 50_000, "이나" * 50_000 + "X"):
        assert len(stems(word)) <= 9
        assert not is_particle(word)
