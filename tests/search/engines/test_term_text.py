import json
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.engines import term_text
from search.engines.term_text import (
    END,
    MARK,
    TOKENIZER,
    in_ascii,
    indexed,
    matched,
    phrase,
    stored,
    times_as_text,
    times_of,
)


def tokens_of(text: str) -> list[str]:
    """What SQLite makes of a text, with positions in order."""
    database = sqlite3.connect(":memory:")
    database.execute(f"CREATE VIRTUAL TABLE t USING fts5(x, tokenize = '{TOKENIZER}')")
    database.execute("INSERT INTO t VALUES (?)", (text,))
    database.execute("CREATE VIRTUAL TABLE v USING fts5vocab(t, instance)")
    return [term for (term,) in database.execute("SELECT term FROM v ORDER BY offset")]


@given(st.text(st.characters(categories=["L", "M", "N"]), min_size=1))
def test_a_term_is_one_token_to_sqlite_whatever_its_letters(letters):
    term = "é" + letters  # not ASCII
    assert tokens_of(in_ascii(term)) == [in_ascii(term)]


def test_english_is_stemmed_and_nothing_else_is():
    assert tokens_of("running boats") == ["run", "boat"]
    assert tokens_of(in_ascii("жed")) == [in_ascii("жed")]
    assert in_ascii("don't") == "don't"
    assert len(tokens_of(in_ascii("м'ята"))) == 2, "as an English word with an apostrophe"


def test_different_terms_have_different_texts():
    terms = ["दिन", "दान", "港", "口", "a港", "港a", "43e", "о"]
    assert len({in_ascii(term) for term in terms}) == len(terms)


@pytest.mark.parametrize(
    "words",
    [[], ["Boats", "on", "water"], ["Don't"], ["Café", "bar"], ["港", "口"], ["...", "x"], ["항구에서", "a-b"], [""]],
)
def test_the_words_come_back_as_they_were(words):
    assert stored(*indexed(words))[0] == words


def test_words_in_plain_english_are_the_text_and_nothing_lies_beside_it():
    assert indexed(["Boats", "ON", "water"]) == ("Boats ON water", "")


def test_marks_become_whole_words_with_their_numbers():
    text, beside = indexed(["去", "港", "口", "in", "항구에서", "harbour"])
    terms = text.split(" ")
    marked = " ".join([terms[0], MARK + terms[1], terms[2] + END, terms[3], MARK + terms[4] + END, *terms[5:]])
    assert matched(marked, beside) == [("港口", 1, 2), ("항구에서", 4, 4)]
    english = f"{MARK}in harbour{END} {MARK}a{END} b"
    assert matched(english, "") == [("in", 0, 0), ("harbour", 1, 1), ("a", 2, 2)]


MARKS = st.lists(st.sampled_from(["a", "b'c", " ", MARK, END]), max_size=30)


@given(MARKS)
def test_plain_words_are_those_that_any_words_would_be(pieces):
    """However the marks lie: within a word, over several of them, two in one; each is opened and closed."""
    marked, is_open = "", False
    for piece in pieces:
        if piece not in (MARK, END):
            marked += piece
        elif (piece == MARK) != is_open:
            marked, is_open = marked + piece, not is_open
    marked += END if is_open else ""
    words = [term.replace(MARK, "").replace(END, "") for term in marked.split(" ")]
    assert matched(marked, "") == matched(marked, json.dumps([words, [1] * len(words)]))


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)), min_size=1), st.data())
def test_times_of_some_words_are_those_that_all_have_in_their_json(times_s, data):
    numbers = data.draw(st.lists(st.integers(0, len(times_s) - 1)))
    text = times_as_text(times_s)
    every = [tuple(pair) for pair in json.loads(text)]
    assert every == [(round(start, 3), round(end, 3)) for start, end in times_s]
    assert times_of(text, numbers) == [every[number] for number in numbers]


def test_no_word_has_no_time():
    assert times_of(times_as_text([]), []) == []


def test_a_phrase_holds_no_sign_of_the_query_language():
    assert phrase("港口") == f'"{in_ascii("港")} {in_ascii("口")}"'
    assert phrase("Don't") == '"don\'t"'
    assert '"' not in phrase('צה"ל')[1:-1]
    assert term_text.text_of('a "b" OR c*') == "a b or c"
