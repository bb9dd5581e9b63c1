import shutil

import pytest

from extractors.extraction import subtitle_words
from extractors.extraction.subtitle_words import words_between
from pipeline.errors import DecodeError
from tests.clips import write_srt


@pytest.fixture
def video(tmp_path, clip):
    write_srt(tmp_path / "clip.srt", [("one two", 0, 1), ("three", 1.5, 3)])
    return shutil.copy(clip, tmp_path / "clip.mp4") and tmp_path / "clip.mp4"


def test_words_belong_to_the_span_in_which_they_begin_and_end_with_the_video(video):
    first, note = words_between(video, "", 0.0, 0.5, 2.0)
    assert (first.words.tolist(), first.times_s.tolist(), note) == (["one"], [[0.0, 0.5]], "")
    rest, _ = words_between(video, "", 0.5, 2.0, 2.0)
    assert (rest.words.tolist(), rest.times_s.tolist()) == (["two", "three"], [[0.5, 1.0], [1.5, 2.0]])
    none, _ = words_between(video, "", 4.0, 8.0, 2.0)
    assert (none.words.shape, none.times_s.shape) == ((0,), (0, 2))


def test_subtitles_are_read_once_for_all_segments_until_they_change(video, monkeypatch):
    read, real = [], subtitle_words.read_subtitles
    monkeypatch.setattr(subtitle_words, "read_subtitles", lambda *args: read.append(args) or real(*args))
    for start_s in range(5):
        words_between(video, "", start_s, start_s + 1, 5.0)
    assert len(read) == 1
    write_srt(video.with_suffix(".srt"), [("another", 0, 1)])
    assert words_between(video, "", 0, 1, 5.0)[0].words.tolist() == ["another"]


def test_the_language_decides_and_the_note_tells_it(video):
    write_srt(video.with_name("clip.de.srt"), [("eins", 0, 1)])
    view, note = words_between(video, "de", 0, 1, 2.0)
    assert (view.words.tolist(), note) == (["eins"], "words of clip.de.srt, one of 2 subtitles")


def test_subtitles_that_cannot_be_read_are_told(video):
    video.with_suffix(".srt").write_text("no subtitles at all")
    with pytest.raises(DecodeError, match=r"clip\.srt"):
        words_between(video, "", 0, 1, 2.0)


def test_an_unforeseen_fault_is_one_of_the_subtitles_alone(video, monkeypatch):
    def broken(*args):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(subtitle_words, "read_subtitles", broken)
    with pytest.raises(DecodeError, match="subtitles: ZeroDivisionError: a bug"):
        words_between(video, "", 0, 1, 2.0)
