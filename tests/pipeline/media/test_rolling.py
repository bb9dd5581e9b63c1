import pytest

from pipeline.media.markup import plain_cue
from pipeline.media.rolling import unrolled


def cues(*rows):
    return [plain_cue(text, start_s, end_s) for start_s, end_s, text in rows]


def said(*rows):
    return " ".join(word for cue in unrolled(cues(*rows)) for word in cue.words)


AUTOMATIC = (
    (0.5, 3.17, " \nwelcome<00:00:01.000><c> to</c><00:00:01.620><c> the</c><00:00:01.740><c> harbor</c>"),
    (3.17, 3.18, "welcome to the harbor\n "),
    (3.18, 5.0, "welcome to the harbor\ntoday<00:00:03.700><c> we</c><00:00:04.100><c> sail</c>"),
    (5.0, 5.01, "today we sail\n "),
    (5.01, 6.0, "today we sail\nslowly<00:00:05.500><c> home</c>"),
)
SENTENCE = "welcome to the harbor today we sail slowly home"


def test_automatic_captions_have_each_word_once_at_its_own_time():
    kept = unrolled(cues(*AUTOMATIC))
    timed = {word: times for cue in kept for word, times in zip(cue.words, cue.times_s(), strict=True)}
    assert " ".join(timed) == SENTENCE
    assert timed["to"] == (1.0, 1.62)
    assert timed["today"] == (3.18, 3.7)
    assert timed["home"] == (5.5, 6.0)


def test_their_conversion_without_times_inside_has_each_word_once():
    rows = [
        (start_s, end_s, "\n".join(" ".join(plain_cue(line, 0, 1).words) for line in text.splitlines()))
        for start_s, end_s, text in AUTOMATIC
    ]
    assert said(*rows) == SENTENCE


@pytest.mark.parametrize("num_lines", [2, 3])
@pytest.mark.parametrize("gap_s", [0.0, 0.1, -0.5])
def test_lines_that_move_up_as_new_ones_come_are_there_once(num_lines, gap_s):
    lines = ["the first line", "then a second", "and now the third", "last but one", "the end"]
    rows = [(float(n), n + 1 - gap_s, "\n".join(lines[max(0, n + 1 - num_lines) : n + 1])) for n in range(len(lines))]
    assert said(*rows) == " ".join(lines)


def test_a_line_that_grows_word_by_word_is_there_once_with_the_time_of_each_word():
    words = ["we", "are", "going", "down", "to", "the", "sea"]
    kept = unrolled(cues(*((n, n + 1, " ".join(words[: n + 1])) for n in range(len(words)))))
    assert [(cue.words, cue.start_s) for cue in kept] == [((word,), n) for n, word in enumerate(words)]


def test_a_text_whose_words_are_highlighted_one_by_one_is_there_once():
    words = ["we", "are", "going"]
    rows = [(n, n + 1, " ".join(f"<b>{w}</b>" if k == n else w for k, w in enumerate(words))) for n in range(3)]
    plain = [(0, 0.5, "we are going"), *((start + 0.5, end + 0.5, text) for start, end, text in rows)]
    assert said(*plain) == "we are going"


def test_a_file_in_which_every_text_comes_twice_has_each_once():
    lines = ["the first line", "then a second", "and the third"]
    assert said(*((n, n + 1, lines[n // 2]) for n in range(6))) == " ".join(lines)
    assert said(*((n, n + 1, lines[n // 3]) for n in range(9))) == " ".join(lines)


def test_what_is_said_twice_in_rolling_captions_stays():
    rows = (
        (0.0, 2.0, " \nno<00:00:00.500><c> no</c><00:00:01.000><c> no</c>"),
        (2.0, 2.01, "no no no\n "),
        (2.01, 4.0, "no no no\nno<00:00:02.500><c> no</c><00:00:03.000><c> no</c>"),
        (4.0, 4.01, "no no no\n "),
        (4.01, 6.0, "no no no\nplease<00:00:05.000><c> stop</c>"),
    )
    assert said(*rows) == "no no no no no no please stop"


def test_a_chorus_that_comes_again_stays():
    lines = ["sing along now", "the river runs", "sing along now", "down to the sea", "sing along now"]
    rows = [(2.0 * n, 2.0 * n + 2, "\n".join(lines[max(0, n - 1) : n + 1])) for n in range(len(lines))]
    assert said(*rows) == " ".join(lines)


@pytest.mark.parametrize(
    "rows",
    [
        [(0, 1, "no"), (1, 2, "no"), (2, 3, "no")],
        [(0, 1, "no no no"), (1, 2, "no no no")],
        [(0, 1, "Yes."), (1, 2, "Yes. Come in.")],
        [(0, 1, "hallelujah hallelujah"), (1, 2, "hallelujah hallelujah"), (2, 3, "amen")],
        [(0, 1, "- Hello.\n- Hello."), (1, 3, "- Hello.\nHow are you?"), (3, 4, "Fine."), (4, 5, "And you?")],
        [(0, 2, "we sail today for home"), (9, 12, "we sail today for home\nand never return")],
        [
            (n, n + 1, text)
            for n, text in enumerate(["one\ntwo", "three\nfour", "four more years", "five", "six", "seven"])
        ],
    ],
)
def test_in_subtitles_that_do_not_roll_nothing_is_lost(rows):
    assert said(*rows) == " ".join(" ".join(text.split()) for *_, text in rows)


def test_the_same_text_at_the_same_time_is_there_once():
    assert said((0, 1, "a sign"), (0, 1, "<b>a sign</b>"), (0, 2, "a sign")) == "a sign a sign"


def test_no_cues_and_one_cue_are_as_they_are():
    assert unrolled([]) == []
    assert said((0, 1, "alone")) == "alone"


def test_many_long_cues_are_compared_in_time():
    text = "\n".join("word " * 10 for _ in range(2_000))
    assert len(said(*((float(n), n + 1.0, text) for n in range(5))).split()) >= 20_000
