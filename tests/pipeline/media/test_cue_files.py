import numpy as np
import pytest

from pipeline.errors import DecodeError
from pipeline.media.cue_files import read_cues
from tests.pipeline.media.subtitle_tracks import ASS_HEADER


def shown(text):
    """(text, start, end) of the cues."""
    return [(" ".join(cue.words), round(cue.start_s, 3), round(cue.end_s, 3)) for cue in read_cues(text)]


def test_subrip_is_read():
    text = "1\n00:00:01,000 --> 00:00:02,500\nHello\nyou\n\n2\n01:00:03,040 --> 01:00:04,000\nBye\n"
    assert shown(text) == [("Hello you", 1, 2.5), ("Bye", 3603.04, 3604)]
    assert shown(text.replace("\n", "\r\n")) == shown(text)
    assert shown(text.replace("\n", "\r")) == shown(text)
    assert shown(text.replace("\n", "\r\r\n")) == shown(text)


def test_webvtt_is_read_without_its_names_comments_and_styles():
    text = (
        "\ufeffWEBVTT - a title\nKind: captions\n\nSTYLE\n::cue { color: red }\n\nNOTE before\n\nintro\n"
        "00:01.000 --> 00:02.000 align:start position:0%\nfirst\n\nNOTE\nseveral\nlines\n\n"
        "2 - second\n00:03.000 --> 00:04.000\nsecond\nline\n\nNOTE after"
    )
    assert shown(text.lstrip("\ufeff")) == [("first", 1, 2), ("second line", 3, 4)]


def test_ass_is_read_without_comments():
    text = ASS_HEADER + (
        "Dialogue: 0,0:00:01.00,0:00:02.50,Default,Ann,0,0,0,,Hello, you,{\\i1} there{\\i0}\n"
        "Comment: 0,0:00:02.00,0:00:03.00,Default,,0,0,0,,not shown\n"
        "Dialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,{\\p1}m 0 0 l 1 1{\\p0}\n"
    )
    assert shown(text) == [("Hello, you, there", 1, 2.5)]


def test_ssa_is_read():
    text = (
        "[Script Info]\nScriptType: v4.00\n[Events]\nDialogue: Marked=0,0:00:01.00,0:00:02.00,Default,,0,0,0,,Hello\n"
    )
    assert shown(text) == [("Hello", 1, 2)]


def test_the_contents_tell_the_format():
    assert shown("1\n00:00:01,000 --> 00:00:02,000\nDialogue: he said\n") == [("Dialogue: he said", 1, 2)]


@pytest.mark.parametrize(
    ("times", "start_s", "end_s"),
    [
        ("00:00:01,000 --> 00:00:02,000", 1, 2),
        ("00:00:01.000 --> 00:00:02.000", 1, 2),
        ("0:0:1,0 --> 0:0:2,0", 1, 2),
        ("00:01.000 --> 00:02.000", 1, 2),
        ("00:00:01:000 --> 00:00:02:000", 1, 2),
        ("00:00:01 --> 00:00:02", 1, 2),
        ("00:00:01,000-->00:00:02,000", 1, 2),
        ("00:00:01,000 -> 00:00:02,000", 1, 2),
        ("00: 00: 01, 000 --> 00: 00: 02, 000", 1, 2),
        ("  00:00:01,000 --> 00:00:02,000  X1:10 X2:20", 1, 2),
        ("00:00:02,000 --> 00:00:01,000", 2, 2),
        ("-00:00:01,000 --> 00:00:02,000", 0, 2),
        ("100:00:00,000 --> 100:00:01,000", 360000, 360001),
        ("00:00:01,000 --> 99:99:99,999", 1, 362439.999),
    ],
)
def test_times_are_read_however_they_are_written(times, start_s, end_s):
    assert shown(f"1\n{times}\nword\n") == [("word", start_s, end_s)]


def test_cues_before_the_video_are_left_out():
    assert shown("1\n-00:00:02,000 --> -00:00:01,000\ngone\n\n2\n00:00:01,000 --> 00:00:02,000\nhere\n") == [
        ("here", 1, 2)
    ]


def test_missing_and_surplus_blank_lines_do_no_harm():
    cramped = "1\n00:00:01,000 --> 00:00:02,000\nfirst\n2\n00:00:03,000 --> 00:00:04,000\nsecond\n"
    assert shown(cramped) == [("first", 1, 2), ("second", 3, 4)]
    airy = "1\n\n00:00:01,000 --> 00:00:02,000\n\nfirst\n\nhalf\n\n\n2\n00:00:03,000 --> 00:00:04,000\n\n\nsecond\n\n\n"
    assert shown(airy) == [("first half", 1, 2), ("second", 3, 4)]
    spaced = cramped.replace("\n", "\n\n").replace("2\n", "\n2\n")
    assert shown(spaced) == [("first", 1, 2), ("second", 3, 4)]
    numbers = "1\n00:00:01,000 --> 00:00:02,000\n10\n\n2\n00:00:03,000 --> 00:00:04,000\n9\n"
    assert shown(numbers) == [("10", 1, 2), ("9", 3, 4)]
    unnumbered = "00:00:01,000 --> 00:00:02,000\nfirst\n\n00:00:03,000 --> 00:00:04,000\nsecond"
    assert shown(unnumbered) == [("first", 1, 2), ("second", 3, 4)]
    cramped_vtt = "WEBVTT\n00:01.000 --> 00:02.000\nfirst\n00:03.000 --> 00:04.000\nsecond\n"
    assert shown(cramped_vtt) == [("first", 1, 2), ("second", 3, 4)]


def test_one_bad_time_costs_that_cue_only():
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\na\n\n00:xx.000 --> 00:04.000\nb\n\n00:05.000 --> 00:06.000\nc\n"
    assert [words for words, *_ in shown(text)][-1] == "c"
    assert shown(text)[0][0].startswith("a")


def test_cues_come_in_the_order_of_their_times_also_when_they_overlap():
    text = "1\n00:00:03,000 --> 00:00:09,000\nlate\n\n2\n00:00:01,000 --> 00:00:05,000\nearly\n"
    assert shown(text) == [("early", 1, 5), ("late", 3, 9)]


@pytest.mark.parametrize("text", ["", "\n\n", "WEBVTT", "WEBVTT\n\nNOTE only a comment\n", ASS_HEADER])
def test_a_file_without_cues_has_none(text):
    assert read_cues(text) == []


@pytest.mark.parametrize("text", ["<html><body>404 not found</body></html>", "a list\nof words", "\x00\x01\x02"])
def test_a_file_that_holds_no_subtitles_is_told(text):
    with pytest.raises(DecodeError, match="no line with the times"):
        read_cues(text)


def test_many_thousand_cues_and_a_megabyte_in_one_are_read():
    text = "\n".join(
        f"{n}\n{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02},000 --> 99:00:00,000\nw{n}\n" for n in range(20_000)
    )
    cues = read_cues(text)
    assert (len(cues), cues[-1].words) == (20_000, ("w19999",))
    (cue,) = read_cues("1\n00:00:01,000 --> 00:00:02,000\n" + "word " * 200_000)
    assert len(cue.words) == 200_000


@pytest.mark.parametrize("seed", range(20))
def test_random_damage_gives_cues_with_times_or_an_error_in_words(seed):
    rng = np.random.default_rng(seed)
    pieces = [
        "00:00:01,000",
        " --> ",
        "\n",
        "\n\n",
        "WEBVTT",
        "NOTE ",
        "1",
        "word",
        "{\\p1}",
        "<i>",
        "-",
        ",",
        "Dialogue: ",
    ]
    text = "".join(rng.choice(pieces, 300))
    try:
        cues = read_cues(text)
    except DecodeError:
        return
    assert all(0 <= cue.start_s <= cue.end_s and cue.words for cue in cues)
    assert all(0 <= begin <= end + 1e-9 for cue in cues for begin, end in cue.times_s())


def test_a_line_of_blanks_in_an_ass_file_is_read_at_once():
    """A pattern that may share out blanks in many ways would try them all: hours for these."""
    assert read_cues("[Script Info]\nDialogue: " + " " * 1_000_000 + "0") == []
