from hypothesis import given
from hypothesis import strategies as st

from extractors.text.queries import query_terms, query_words, terms


def test_an_english_word_is_one_term():
    assert terms("Harbour") == query_terms("Harbour") == ["harbour"]
    assert terms("well-known") == ["well", "known"]
    assert terms("Don't") == ["don't"]
    assert terms("...") == terms("") == query_terms("?") == []


def test_a_word_of_a_script_without_blanks_has_a_term_for_each_character():
    assert terms("港口") == query_terms("港口") == ["港", "口"]
    assert terms("コーヒーショップ") == ["コ", "ー", "ヒ", "ー", "ショ", "ッ", "プ"]
    assert terms("น้ำใส") == ["น้ำ", "ใส"]


def test_a_korean_word_has_a_term_for_each_stem_and_a_query_for_one():
    assert terms("항구에서") == ["항구", "항구에", "항구에서"]
    assert query_terms("항구에서") == query_terms("항구") == ["항구"]


def test_what_belongs_together_is_one_word_of_a_query():
    assert query_words("3.5 1,000 12:30 24/7 v2.0") == ["3.5", "1,000", "12:30", "24", "7", "v2", "0"]
    assert query_words("3月的港口 NHK港口 Tシャツ") == ["3月的港口", "NHK", "港口", "T", "シャツ"]
    assert query_words("3월에 KBS에서 항구") == ["3월에", "KBS", "항구"]
    assert query_words("བཀྲ་ཤིས་བདེ་ལེགས།") == ["བཀྲ་ཤིས་བདེ་ལེགས"]
    assert query_words("港口\u200b船") == ["港口", "船"]


def test_a_word_that_is_written_twice_is_looked_for_once():
    assert query_words("Dog dog DOG café CAFE 항구 항구에서") == ["Dog", "café", "항구"]


def test_a_query_without_a_word_has_none():
    for query in ("", "?!", "…「」", "ــ", "\u200d", "\u0301", "\x00"):
        assert query_words(query) == []


@given(st.text())
def test_a_text_has_what_it_is_asked_for(text):
    for word in query_words(text):
        assert query_words(word) == [word]
        assert query_terms(word)
