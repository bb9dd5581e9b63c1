import shutil

import numpy as np
import pytest
from av.stream import Disposition

from pipeline.errors import DecodeError
from pipeline.media import subtitles
from pipeline.media.subtitles import read_subtitles
from tests.clips import make_clip, write_srt
from tests.pipeline.media.subtitle_tracks import make_tracked, track

CUES = [("Hello <i>big</i> world", 0.5, 1.5), ("Bye", 1.6, 1.9)]
WORDS = ["Hello", "big", "world", "Bye"]


def texts(path, language=""):
    return [word.text for word in read_subtitles(path, language).words]


@pytest.fixture
def silent(tmp_path, clip):
    """A clip without subtitles of its own, in a folder of its own."""
    return shutil.copy(clip, tmp_path / "clip.mp4") and tmp_path / "clip.mp4"


def test_the_track_inside_a_file_is_read(tmp_path):
    found = read_subtitles(make_clip(tmp_path / "a.mkv", subtitles=CUES))
    words = found.words
    assert ([word.text for word in words], found.note) == (WORDS, "")
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
    assert read_subtitles(silent).note == "words of clip.srt, one of 2 subtitles"
    assert texts(silent) == ["from", "srt"]


def test_the_wanted_language_is_read_and_the_note_says_which_file_it_was(silent):
    for name, text in (("clip.de.srt", "Hafen"), ("clip.en.SRT", "harbor"), ("clip.en.forced.srt", "sign")):
        write_srt(silent.parent / name, [(text, 0, 1)])
    english = read_subtitles(silent)
    assert (english.words[0].text, english.note) == ("harbor", "words of clip.en.SRT, one of 3 subtitles")
    assert texts(silent, "German") == ["Hafen"]
    assert texts(silent, "fr") == ["Hafen"]


def test_a_language_in_the_only_name_is_told(silent):
    write_srt(silent.parent / "clip.de.srt", [("Hafen", 0, 1)])
    assert read_subtitles(silent).note == "words of clip.de.srt"


def test_a_track_with_the_whole_dialogue_is_read_in_place_of_a_forced_file_beside(tmp_path):
    path = make_tracked(tmp_path / "a.mkv", track("whole"))
    write_srt(tmp_path / "a.forced.srt", [("sign", 0, 1)])
    found = read_subtitles(path)
    assert (found.words[0].text, found.note) == ("whole", "words of track 1, one of 2 subtitles")
    assert texts(make_tracked(tmp_path / "b.mkv")) == []
    write_srt(tmp_path / "b.forced.srt", [("sign", 0, 1)])
    assert texts(tmp_path / "b.mkv") == ["sign"]


def test_a_track_in_the_wanted_language_is_read_in_place_of_a_file_in_another(tmp_path):
    made = (track("track", language="ger"), track("forced", language="ger", disposition=Disposition.forced))
    path = make_tracked(tmp_path / "a.mkv", *made)
    write_srt(tmp_path / "a.fr.srt", [("beside", 0, 1)])
    assert texts(path) == ["beside"]
    assert texts(path, "fr") == ["beside"]
    found = read_subtitles(path, "de")
    assert (found.words[0].text, found.note) == ("track", "words of track 1 (de), one of 3 subtitles")


def test_letters_that_are_damaged_are_told(silent):
    data = "1\n00:00:00,000 --> 00:00:01,000\nпривет всем\n".encode()
    (silent.parent / "clip.srt").write_bytes(data.replace("т".encode(), "т".encode()[:1]))
    assert read_subtitles(silent).note == "letters of the subtitles that cannot be read: 1"


def test_a_file_whose_name_is_not_understood_is_told(silent):
    write_srt(silent.parent / "clip.final.srt", [("word", 0, 1)])
    found = read_subtitles(silent)
    assert (found.words, found.note) == ((), "clip.final.srt: left out, since its name says no known language")


def test_no_subtitles_give_no_words(silent):
    assert read_subtitles(silent) == subtitles.Subtitles()


@pytest.mark.parametrize("content", ["", "\n\n", "WEBVTT\n\n"])
def test_an_empty_subtitle_file_gives_no_words(silent, content):
    (silent.parent / "clip.vtt").write_text(content)
    assert texts(silent) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one\ntwo", ["one", "two"]),
        ("a <- b, 3 > 2", ["a", "<-", "b,", "3", ">", "2"]),
        ("l'été à Zürich 日本語 🎬", ["l'été", "à", "Zürich", "日本語", "🎬"]),
        ("comma, separated, values, and, more, of, them, and, ten", None),
        ("- Who?\n- Me.", ["-", "Who?", "-", "Me."]),
    ],
)
def test_words_are_kept(silent, text, expected):
    write_srt(silent.parent / "clip.srt", [(text, 0, 1)])
    assert texts(silent) == (expected or text.split())


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(silent):
    path = write_srt(silent.parent / "clip.srt", CUES, bom=True)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert texts(silent) == WORDS


def test_cues_come_in_the_order_of_their_times(silent):
    write_srt(silent.parent / "clip.srt", [("second", 1, 2), ("first", 0, 0.5)])
    assert texts(silent) == ["first", "second"]


@pytest.mark.parametrize(
    ("encoding", "note"),
    [
        ("utf-8", ""),
        ("utf-8-sig", ""),
        ("utf-16", "subtitles read as utf-16-le"),
        ("utf-16-be", "subtitles read as utf-16-be"),
        ("cp1252", "subtitles read as cp1252"),
    ],
)
def test_subtitles_of_any_encoding_are_read_and_which_one_is_told(silent, encoding, note):
    text = "1\n00:00:00,000 --> 00:00:01,000\ncafé <i>noir</i>\n\n2\n00:00:01,000 --> 00:00:02,000\nça va déjà bien\n\n"
    (silent.parent / "clip.srt").write_bytes(text.encode(encoding))
    assert (texts(silent)[:3], read_subtitles(silent).note) == (["café", "noir", "ça"], note)


def test_the_language_in_the_name_helps_to_tell_the_encoding(silent):
    (silent.parent / "clip.he.srt").write_bytes("1\n00:00:00,000 --> 00:00:01,000\nלא\n".encode("cp1255"))
    found = read_subtitles(silent)
    assert (found.words[0].text, found.note) == ("לא", "words of clip.he.srt; subtitles read as cp1255")


def test_rolling_captions_are_there_once(silent):
    (silent.parent / "clip.en.vtt").write_text(
        "WEBVTT\n\n00:00.000 --> 00:01.000\n \nfirst<00:00.500><c> line here</c>\n\n"
        "00:01.000 --> 00:01.010\nfirst line here\n \n\n"
        "00:01.010 --> 00:02.000\nfirst line here\nlast<00:01.500><c> one</c>\n"
    )
    words = read_subtitles(silent).words
    assert [word.text for word in words] == ["first", "line", "here", "last", "one"]
    assert (words[-1].start_s, words[-1].end_s) == (1.5, 2.0)


def test_an_ass_file_is_read(silent):
    (silent.parent / "clip.ass").write_text(
        "[Script Info]\n[Events]\nDialogue: 0,0:00:00.10,0:00:00.50,Default,,0,0,0,,{\\p1}m 0 0{\\p0}\n"
        "Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,hello\\Nharbor\n"
    )
    assert texts(silent) == ["hello", "harbor"]


def test_a_subtitle_file_that_is_none_is_told(silent):
    (silent.parent / "clip.srt").write_bytes(bytes(range(256)) * 8)
    with pytest.raises(DecodeError, match=r"^clip\.srt: no line with the times"):
        read_subtitles(silent)


def test_a_file_that_is_too_large_or_may_not_be_read_is_told(silent, monkeypatch):
    path = write_srt(silent.parent / "clip.srt", CUES)
    monkeypatch.setattr(subtitles, "MAX_BYTES", 10)
    with pytest.raises(DecodeError, match=r"^clip\.srt: larger than"):
        read_subtitles(silent)
    monkeypatch.undo()

    def refused(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "read_bytes", refused)
    with pytest.raises(DecodeError, match=r"^clip\.srt: cannot be read: Permission denied"):
        read_subtitles(silent)


def test_a_track_of_pictures_is_not_read(tmp_path):
    path = make_clip(tmp_path / "a.mkv", subtitles=CUES)
    path.write_bytes(path.read_bytes().replace(b"S_TEXT/UTF8", b"S_VOBSUB\0\0\0"))
    assert texts(path) == []


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
        words = read_subtitles(silent).words
    except DecodeError:
        return
    assert all(word.text and np.isfinite([word.start_s, word.end_s]).all() for word in words)


@pytest.mark.parametrize("seed", range(5))
def test_a_damaged_file_with_a_track_gives_words_or_an_error_in_words(tmp_path, seed):
    path = make_clip(tmp_path / "a.mkv", subtitles=CUES * 5, seconds=1)
    data = bytearray(path.read_bytes())
    rng = np.random.default_rng(seed)
    for _ in range(40):
        data[rng.integers(len(data))] = rng.integers(256)
    path.write_bytes(data[: len(data) - seed * 1000])
    try:
        words = read_subtitles(path).words
    except DecodeError:
        return
    assert all(word.text and np.isfinite([word.start_s, word.end_s]).all() for word in words)
