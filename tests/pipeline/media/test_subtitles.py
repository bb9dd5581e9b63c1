import shutil
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import DecodeError
from pipeline.media.subtitles import read_words, spread
from tests.clips import make_clip, write_srt

CUES = [("Hello <i>big</i> world", 0.5, 1.5), ("Bye", 1.6, 1.9)]
WORDS = ["Hello", "big", "world", "Bye"]


def texts(path):
    return [word.text for word in read_words(path)]


@pytest.fixture
def silent(tmp_path, clip):
    """A clip without subtitles of its own, in a folder of its own."""
    return shutil.copy(clip, tmp_path / "clip.mp4") and tmp_path / "clip.mp4"


def test_words_share_the_time_of_their_cue_by_their_lengths():
    words = spread("ab abcd  abcdef", 10, 16)
    assert [(word.text, word.start_s, word.end_s) for word in words] == [
        ("ab", 10, 11),
        ("abcd", 11, 13),
        ("abcdef", 13, 16),
    ]
    assert spread("   ", 0, 1) == []
    assert spread("", 0, 1) == []


@given(
    st.lists(st.text("abcdefgh", min_size=1, max_size=9), min_size=1, max_size=9),
    st.floats(0, 1e5),
    st.floats(0, 60),
)
def test_words_follow_one_another_from_the_start_to_the_end_of_the_cue(words, start_s, length_s):
    timed = spread(" ".join(words), start_s, start_s + length_s)
    assert [word.text for word in timed] == words
    assert timed[0].start_s == start_s
    assert timed[-1].end_s == pytest.approx(start_s + length_s)
    assert all(one.end_s == other.start_s for one, other in pairwise(timed))
    assert all(word.start_s <= word.end_s for word in timed)


def test_the_track_inside_a_file_is_read(tmp_path):
    words = read_words(make_clip(tmp_path / "a.mkv", subtitles=CUES))
    assert [word.text for word in words] == WORDS
    # 13 letters in 1 second: "Hello" takes 5 of them.
    assert (words[0].start_s, words[0].end_s) == (0.5, pytest.approx(0.5 + 5 / 13))
    assert (words[3].start_s, words[3].end_s) == (pytest.approx(1.6), pytest.approx(1.9))


def test_the_file_beside_the_video_is_read_in_place_of_the_track_inside(tmp_path):
    path = make_clip(tmp_path / "a.mkv", subtitles=CUES)
    write_srt(tmp_path / "a.srt", [("beside", 0, 1)])
    assert texts(path) == ["beside"]


def test_srt_comes_before_vtt(silent):
    (silent.parent / "clip.vtt").write_text("WEBVTT\n\n00:00.500 --> 00:01.000\nfrom vtt\n")
    assert texts(silent) == ["from", "vtt"]
    write_srt(silent.parent / "clip.srt", [("from srt", 0, 1)])
    assert texts(silent) == ["from", "srt"]


def test_no_subtitles_give_no_words(silent):
    assert read_words(silent) == []


@pytest.mark.parametrize("content", ["", "\n\n", "WEBVTT\n\n"])
def test_an_empty_subtitle_file_gives_no_words_or_is_told(silent, content):
    (silent.parent / "clip.vtt").write_text(content)
    try:
        assert read_words(silent) == []
    except DecodeError as error:
        assert "clip.vtt" in str(error)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<b>bold</b> <font color='#ff0000'>red</font>", ["bold", "red"]),
        (r"{\an8}above {\i1}slanted{\i0}", ["above", "slanted"]),
        ("one\ntwo", ["one", "two"]),
        ("a <- b, 3 > 2", ["a", "<-", "b,", "3", ">", "2"]),
        ("l'été à Zürich 日本語 🎬", ["l'été", "à", "Zürich", "日本語", "🎬"]),
        ("comma, separated, values, and, more, of, them, and, ten", None),
        ("- Who?\n- Me.", ["-", "Who?", "-", "Me."]),
    ],
)
def test_markup_is_taken_off_and_words_are_kept(silent, text, expected):
    write_srt(silent.parent / "clip.srt", [(text, 0, 1)])
    assert texts(silent) == (expected or text.split())


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(silent):
    path = write_srt(silent.parent / "clip.srt", CUES, bom=True)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert texts(silent) == WORDS


def test_cues_come_in_the_order_of_their_times(silent):
    write_srt(silent.parent / "clip.srt", [("second", 1, 2), ("first", 0, 0.5)])
    assert texts(silent) == ["first", "second"]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-8-sig", "utf-16"])
def test_subtitles_of_any_common_encoding_are_read(silent, encoding):
    text = "1\n00:00:00,000 --> 00:00:01,000\ncafé <i>noir</i>\n\n2\n00:00:01,000 --> 00:00:02,000\nnext\n\n"
    (silent.parent / "clip.srt").write_bytes(text.encode(encoding))
    assert texts(silent) == ["café", "noir", "next"]


def test_a_subtitle_file_that_is_none_is_told(silent):
    (silent.parent / "clip.srt").write_bytes(bytes(range(256)) * 8)
    with pytest.raises(DecodeError, match=r"clip\.srt"):
        read_words(silent)


def test_a_track_of_pictures_is_not_read(tmp_path):
    path = make_clip(tmp_path / "a.mkv", subtitles=CUES)
    path.write_bytes(path.read_bytes().replace(b"S_TEXT/UTF8", b"S_VOBSUB\0\0\0"))
    assert read_words(path) == []


@pytest.mark.parametrize("suffix", [".srt", ".vtt"])
@pytest.mark.parametrize("seed", range(5))
def test_random_damage_gives_words_or_an_error_in_words(silent, suffix, seed):
    path = write_srt(silent.parent / f"clip{suffix}", CUES * 20)
    data = bytearray(path.read_bytes() if suffix == ".srt" else b"WEBVTT\n\n" + path.read_bytes().replace(b",", b"."))
    rng = np.random.default_rng(seed)
    for _ in range(20):
        data[rng.integers(len(data))] = rng.integers(256)
    path.write_bytes(data)
    try:
        words = read_words(silent)
    except DecodeError:
        return
    assert all(word.text and np.isfinite([word.start_s, word.end_s]).all() for word in words)
