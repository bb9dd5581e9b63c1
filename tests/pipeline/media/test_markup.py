from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.media.markup import MAX_LETTERS, plain_cue


def words(text, is_ass=False):
    return list(plain_cue(text, 0, 1, is_ass).words)


def test_words_share_the_time_of_their_cue_by_their_lengths():
    assert plain_cue("ab abcd  abcdef", 10, 16).times_s() == [(10, 11), (11, 13), (13, 16)]
    assert plain_cue("   ", 0, 1).words == ()
    assert plain_cue("", 0, 1).times_s() == []


@given(
    st.lists(st.text("abcdefgh", min_size=1, max_size=9), min_size=1, max_size=9),
    st.floats(0, 1e5),
    st.floats(0, 60),
)
def test_words_follow_one_another_from_the_start_to_the_end_of_the_cue(shown, start_s, length_s):
    cue = plain_cue(" ".join(shown), start_s, start_s + length_s)
    timed = cue.times_s()
    assert list(cue.words) == shown
    assert timed[0][0] == start_s
    assert timed[-1][1] == pytest.approx(start_s + length_s)
    assert all(one[1] == pytest.approx(other[0]) for one, other in pairwise(timed))
    assert all(begin <= end + 1e-9 for begin, end in timed)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<b>bold</b> <font color='#ff0000'>red</font>", "bold red"),
        ("<i>un</i>der", "under"),
        ("one<br>two<br/>three", "one two three"),
        ("<v Ann>Hello</v><v Bob>Hi", "Hello Hi"),
        ("<c.yellow.bg_blue>sun</c><lang en-GB> colour</lang>", "sun colour"),
        ("<ruby>港<rt>みなと</rt></ruby>へ", "港へ"),
        (r"{\an8}above {\i1}slanted{\i0}", "above slanted"),
        ("{y:i}old italics", "old italics"),
        ("{laughs} well", "{laughs} well"),
        ("a < b, 1 <3 and 3 > 2", "a < b, 1 <3 and 3 > 2"),
        ("see <http://a.example/b> or <me@a.example>", "see <http://a.example/b> or <me@a.example>"),
        ("Tom &amp; Ann, R&D, AT&T;", "Tom & Ann, R&D, AT&T;"),
        ("1 &lt; 2&nbsp;&gt; 0 &#39;x&#x27;", "1 < 2 > 0 'x'"),
        ("don&amp;#39;t", "don't"),
        ("&lt;i&gt;", "<i>"),
        ("one\ntwo\\Nthree\\hfour", "one two three four"),
        ("שלום\u200f\u202b x\ufeff", "שלום x"),
        ("می\u200cروم", "می\u200cروم"),
        ("soft\u00adhyphen zero\u200bwidth", "softhyphen zero width"),
        ("bell\x07 null\x00s", "bell null s"),
    ],
)
def test_markup_is_taken_off_and_words_are_kept(text, expected):
    assert words(text) == expected.split()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"{\p1}m 0 0 l 100 0 100 50 0 50{\p0}", ""),
        (r"{\an7\pos(3,4)\p4}m 0 0 l 1 1{\p0}after", "after"),
        (r"before{\p1}m 0 0 l 100 0", "before"),
        (r"{\pos(10,20)\pbo5}seen", "seen"),
        (r"{\k20}ka{\k30}ra {\kf10}o{\ko5}ke", "kara oke"),
        (r"one\Ntwo\nthree\hfour", "one two three four"),
        ("{a note of the translator}shown", "shown"),
        (r"\{braces\}", "{braces}"),
        ("{never closed", "{never closed"),
        (r"{\t(0,500,\fscx150)}grows{\r}", "grows"),
    ],
)
def test_override_blocks_and_drawings_of_ass_are_no_text(text, expected):
    assert words(text, is_ass=True) == expected.split()


def test_times_inside_the_text_are_those_of_the_words():
    cue = plain_cue("welcome<00:00:01.000><c> to</c><00:00:01.620><c> the harbor</c>", 0.5, 3.0)
    assert cue.words == ("welcome", "to", "the", "harbor")
    third = 1.62 + (3.0 - 1.62) * 3 / 9  # "the" has 3 of the 9 letters that are left
    assert cue.times_s() == [(0.5, 1.0), (1.0, 1.62), (1.62, pytest.approx(third)), (pytest.approx(third), 3.0)]


def test_a_word_goes_on_over_a_time_inside_it():
    cue = plain_cue("ka<00:01.500>ra", 1, 2)
    assert (cue.words, cue.times_s()) == (("kara",), [(1, 2)])


@pytest.mark.parametrize("stamps", ["a<00:09.0> b", "a<00:01.800> b<00:01.200> c"])
def test_times_inside_that_make_no_sense_are_passed_over(stamps):
    cue = plain_cue(stamps, 1, 2)
    assert cue.times_s()[0][0] == 1
    assert cue.times_s()[-1][1] == 2
    assert all(1 <= begin <= end <= 2 for begin, end in cue.times_s())


def test_times_inside_count_from_the_start_of_the_cue_in_matroska():
    assert plain_cue("a<00:00.500> b", 100, 101).times_s() == [(100, 100.5), (100.5, 101)]


def test_the_words_of_lines_are_known_and_the_rest_of_a_cue_keeps_its_times():
    cue = plain_cue("one two\n\nthree<00:01.500> four", 1, 2)
    assert (cue.line_starts, cue.num_settled) == ((0, 2), 2)
    rest = cue.without(2)
    assert (rest.words, rest.times_s()) == (("three", "four"), [(1, 1.5), (1.5, 2)])


def test_what_is_no_word_by_its_length_is_cut():
    assert [len(word) for word in words("x" * (2 * MAX_LETTERS + 1))] == [MAX_LETTERS, MAX_LETTERS, 1]


@pytest.mark.parametrize("piece", ["<", "{", "&", "<rt>", "<b ", "{\\p1}", "<00:00:01.000>", "\\{", "a<", "&#1"])
def test_a_megabyte_of_broken_markup_takes_no_longer_than_its_length(piece):
    plain_cue(piece * (1_000_000 // len(piece)), 0, 1)  # the time limit of the tests tells
