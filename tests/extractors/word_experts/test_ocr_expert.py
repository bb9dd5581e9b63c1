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
