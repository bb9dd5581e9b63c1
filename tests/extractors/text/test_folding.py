import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.text.folding import fold

EQUAL = [
    ("Café", "CAFE\N{COMBINING ACUTE ACCENT}"),
    ("Café", "cafe"),
    ("İSTANBUL", "istanbul"),
    ("ılık", "ILIK"),
    ("Straße", "STRASSE"),
    ("ﬁne", "FINE"),
    ("ＨＥＬＬＯ", "hello"),
    ("tiếng", "tieng"),
    ("Όλοι", "ολοι"),
    ("ΣΊΣΥΦΟΣ", "σίσυφος"),
    ("ёлка", "елка"),
    ("молоко́", "молоко"),
    ("м’ята", "мʼята"),
    ("مَرْحَبًا", "مرحبا"),
    ("شَــجَرَة", "شجرة"),
    ("أحمد", "احمد"),
    ("كتابی", "کتابي"),
    ("می‌خواهم", "میخواهم"),
    ("שָׁלוֹם", "שלום"),
    ("צה״ל", "צהל"),
    ("१०", "10"),
    ("٣٥", "35"),
    ("ｶﾞ", "ガ"),
    ("\u0d28\u0d4d\u200d", "\u0d7b"),  # Malayalam chillu n, as before Unicode 5.1
    ("\u09a4\u09cd\u200d", "\u09ce"),  # Bengali khanda ta, as before Unicode 4.1
    ("👍🏽", "👍"),
    ("❤️", "❤"),
    ("항구".encode().decode(), "\u1112\u1161\u11bc\u1100\u116e"),
]
DIFFERENT = [
    ("दिन", "दान"),
    ("राज", "राज़"),
    ("हंस", "हँस"),
    ("มา", "มี"),
    ("เสือ", "เสื่อ"),
    ("ကား", "ကာ"),
    ("か", "が"),
    ("мой", "мои"),
    ("كرة", "كره"),
    ("على", "علي"),
    ("അവൻ", "അവന്"),
    ("বল", "বিল"),
    ("كلب", "قلب"),
    ("ހަތް", "ހިތް"),
]


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_what_people_type_for_the_same_word_is_equal(one, other):
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_marks_that_make_another_word_are_kept(one, other):
    assert fold(one) != fold(other)


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_is_in_lower_case_and_otherwise_as_it_was(word):
    assert fold(word) == word.lower()


@given(st.text())
def test_what_is_folded_stays_as_it_is(word):
    assert fold(fold(word)) == fold(word)
