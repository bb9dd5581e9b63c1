import pytest

from search.engines import fulltext
from search.engines.fulltext import Document, FullText, Word


def made(tmp_path, *documents: Document) -> FullText:
    fulltext.build(tmp_path / "words.sqlite", documents)
    return FullText(tmp_path / "words.sqlite", {"the", "a"})


def document(video: int, text: str, expert: str = "speech") -> Document:
    words = text.split()
    return Document(video, expert, words, [(float(at), at + 0.5) for at in range(len(words))])


def test_the_marks_fall_on_exactly_the_words_that_match(tmp_path):
    words = made(tmp_path, document(0, "dogs and dogs run to the running dog don't they"))
    found = words.matched("dog running don't", 0)
    assert [(word.text, word.start_s) for word in found] == [
        ("dogs", 0.0), ("dogs", 2.0), ("run", 3.0), ("running", 6.0), ("dog", 7.0), ("don't", 8.0)
    ]  # fmt: skip


def test_accents_and_case_do_not_matter(tmp_path):
    words = made(tmp_path, document(0, "CAFÉ Straße"))
    assert [word.text for word in words.matched("cafe", 0)] == ["CAFÉ"]
    assert words.find("STRAßE")


def test_coverage_is_the_share_of_the_words_that_were_asked_for(tmp_path):
    words = made(tmp_path, document(0, "red boat"), document(1, "red boat sails"), document(2, "nothing"))
    found = words.find("the red boat sails away")
    assert {video: match.coverage for video, match in found.items()} == {0: 0.5, 1: 0.75}


def test_words_of_two_experts_count_together(tmp_path):
    words = made(tmp_path, document(0, "bread"), document(0, "bakery", "ocr"), document(1, "bread"))
    found = words.find("bakery bread")
    assert found[0].coverage == 1.0
    assert {word.expert for word in words.matched("bakery bread", 0)} == {"speech", "ocr"}
    without = words.find("bakery bread", {"ocr": 0.0})
    assert without[0].coverage == without[1].coverage == 0.5


def test_stop_words_alone_find_nothing(tmp_path):
    words = made(tmp_path, document(0, "the boat a"))
    assert words.find("the a") == {}
    assert words.matched("the a", 0) == ()


def test_a_word_with_blanks_in_it_stays_one_word(tmp_path):
    document = Document(0, "ocr", ["ice cream", "shop"], [(0.0, 1.0), (1.0, 2.0)])
    words = made(tmp_path, document)
    assert [word.text for word in words.words_of(0)] == ["icecream", "shop"]
    assert [word.start_s for word in words.matched("shop", 0)] == [1.0]


@pytest.mark.parametrize("hostile", ['"', 'a"b OR c', "x:y", "^boat*", "\x02boat\x03"])
def test_signs_of_the_query_language_are_only_signs(tmp_path, hostile):
    words = made(tmp_path, document(0, "boat"))
    assert set(words.find(hostile)) <= {0}


def test_the_best_second_is_where_the_most_words_are_together():
    def word(text: str, at: float) -> Word:
        return Word(text, "speech", at, at + 0.2)

    spread = [word("red", 1.0), word("red", 30.0), word("boat", 31.0), word("boat", 60.0)]
    assert fulltext.best_second(spread) == 30.0
    assert fulltext.best_second([word("red", 9.0), word("red", 4.0)]) == 4.0
