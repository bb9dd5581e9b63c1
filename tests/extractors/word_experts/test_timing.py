from extractors.word_experts.timing import Piece, mended, spread


def test_time_is_shared_by_letters():
    assert spread(" a bcd!", 1.0, 3.0) == [("a", 1.0, 1.5), ("bcd", 1.5, 3.0)]
    assert spread(" ...", 1.0, 3.0) == []


def test_each_character_of_a_sentence_without_blanks_has_its_own_time():
    words = spread("我们今天去港口看船", 0.0, 9.0)
    assert [(word.text, word.start_s, word.end_s) for word in words[5:7]] == [("港", 5.0, 6.0), ("口", 6.0, 7.0)]


def test_a_sign_that_was_torn_from_its_letter_is_given_back():
    pieces = [Piece("น", 0.0, 1.0, 0.5), Piece("้ำ", 1.0, 2.0, 1.0), Piece("ใส", 2.0, 3.0, 0.25)]
    assert mended(pieces) == [Piece("น้ำ", 0.0, 2.0, 0.75), Piece("ใส", 2.0, 3.0, 0.25)]
    assert [one.text for one in mended([Piece(" द", 0, 1, 1), Piece("िन", 1, 2, 1), Piece(" है", 2, 3, 1)])] == [
        " दिन",
        " है",
    ]


def test_pieces_that_are_words_stay_apart():
    for texts in ([" well", "-known"], ["港", "口"], ["word1", "word2"], [" a", " b"], ["..."], []):
        pieces = [Piece(text, 0.0, 1.0, 1.0) for text in texts]
        assert mended(pieces) == pieces
