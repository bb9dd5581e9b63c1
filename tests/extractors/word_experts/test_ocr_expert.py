import numpy as np

from extractors.word_experts.ocr_expert import split_line


def test_a_line_is_divided_where_its_letters_are():
    corners = np.array([[10, 20], [110, 20], [110, 40], [10, 40]])
    first, second = split_line("ab - cd ef", 0.9, corners)[::2]
    assert first == ("ab", 0.9, (10, 20, 30, 40), True)
    assert second == ("ef", 0.9, (90, 20, 110, 40), False)


def test_a_slanted_line_gives_boxes_around_its_words():
    corners = np.array([[0, 0], [80, 40], [70, 60], [-10, 20]])
    (word,) = split_line("slanted", 0.9, corners)
    assert word.box_px == (-10, 0, 80, 60)


def test_a_ligature_that_is_spelled_out_keeps_its_box_in_the_line():
    (word,) = split_line("oﬃce", 0.9, np.array([[0, 0], [60, 0], [60, 10], [0, 10]]))
    assert word == ("office", 0.9, (0, 0, 60, 10), True)


def test_characters_without_blanks_and_letters_of_another_width_have_boxes_of_their_own():
    words = split_line("港口 ｶﾞｽ", 0.9, np.array([[0, 0], [50, 0], [50, 10], [0, 10]]))
    # In the normal form the line has five characters: the voicing mark is part of its letter.
    assert [(word.text, word.box_px[0], word.box_px[2]) for word in words] == [
        ("港", 0, 10), ("口", 10, 20), ("ガス", 30, 50)
    ]  # fmt: skip


def test_a_line_of_signs_alone_has_no_words():
    assert split_line("... -", 0.9, np.zeros((4, 2))) == split_line("", 0.9, np.zeros((4, 2))) == []
