import pytest
from av.stream import Disposition

from pipeline.media.container import open_container
from pipeline.media.tracks import ranked_tracks, read_track, text_tracks
from tests.pipeline.media.subtitle_tracks import MadeTrack, make_tracked, track

DEFAULT, COMMENT = int(Disposition.default), int(Disposition.comment)
FORCED, IMPAIRED = int(Disposition.forced), int(Disposition.hearing_impaired)


def read(path, language=""):
    """Words of the track that ranks first, and the note."""
    with open_container(path) as container:
        cues, note = read_track(container, ranked_tracks(text_tracks(container), language)[0])
    return " ".join(word for cue in cues for word in cue.words), note


@pytest.mark.parametrize(
    ("suffix", "codec", "text"),
    [
        (".mkv", "subrip", "<i>Hello</i> &amp; {\\an8}bye"),
        (".mkv", "webvtt", "<v Ann>Hello</v> <c.loud>&amp;</c> bye"),
        (".mkv", "ass", "{\\i1}Hello{\\i0} &\\Nbye{\\p1}m 0 0 l 1 1{\\p0}"),
        (".mp4", "mov_text", "Hello &\nbye"),
    ],
)
def test_the_text_of_each_codec_is_read_without_markup(tmp_path, suffix, codec, text):
    path = make_tracked(tmp_path / f"a{suffix}", track(text, codec=codec))
    assert read(path) == ("Hello & bye", "")


def test_text_of_mp4_may_be_in_utf_16(tmp_path):
    path = make_tracked(tmp_path / "a.mp4", MadeTrack([("\ufeffпривет".encode("utf-16-be"), 0.5, 1.5)], "mov_text"))
    assert read(path) == ("привет", "")


def test_times_inside_webvtt_are_kept(tmp_path):
    path = make_tracked(tmp_path / "a.mkv", track("one<00:00:01.250> two", codec="webvtt"))
    with open_container(path) as container:
        (cue,), _ = read_track(container, text_tracks(container)[0])
    assert cue.stamps == ((3, 1.25),)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_times_count_from_the_start_of_the_container(tmp_path, suffix):
    codec = "mov_text" if suffix == ".mp4" else "subrip"
    path = make_tracked(tmp_path / f"a{suffix}", track("late", codec=codec), offset_s=100.0)
    with open_container(path) as container:
        start_s = container.start_time / 1e6
        (cue,), _ = read_track(container, text_tracks(container)[0])
    assert cue.start_s == pytest.approx(100.5 - start_s, abs=2e-3)
    assert cue.end_s - cue.start_s == pytest.approx(1.0, abs=2e-3)
    assert cue.start_s < 1


def test_the_encoding_of_all_packets_together_is_found(tmp_path):
    lines = ["Мы сегодня идём в гавань", "смотреть на корабли", "да"]
    cues = [(line.encode("cp1251"), 0.1 + n / 2, 0.5 + n / 2) for n, line in enumerate(lines)]
    path = make_tracked(tmp_path / "a.mkv", MadeTrack(cues, language="rus"))
    assert read(path) == (" ".join(lines), "subtitles read as cp1251")


@pytest.mark.parametrize(
    ("tracks", "language", "expected"),
    [
        ([("one", "", 0), ("two", "", DEFAULT)], "", "two"),
        ([("forced", "eng", FORCED | DEFAULT), ("full", "eng", 0)], "", "full"),
        ([("forced", "eng", FORCED)], "", "forced"),
        ([("forced", "eng", FORCED), ("other", "fre", 0)], "en", "other"),
        ([("talk", "eng", COMMENT | DEFAULT), ("full", "eng", 0)], "", "full"),
        ([("sounds", "eng", IMPAIRED), ("plain", "eng", 0)], "", "plain"),
        ([("german", "ger", 0), ("english", "eng", 0)], "", "english"),
        ([("german", "ger", DEFAULT), ("english", "eng", 0)], "", "german"),
        ([("german", "ger", DEFAULT), ("english", "eng", 0)], "en", "english"),
        ([("german", "ger", 0), ("english", "eng", DEFAULT)], "de", "german"),
        ([("first", "", 0), ("second", "", 0)], "", "first"),
    ],
)
def test_the_track_that_a_player_shows_is_read(tmp_path, tracks, language, expected):
    made = [track(text, language=code, disposition=flags) for text, code, flags in tracks]
    assert read(make_tracked(tmp_path / "a.mkv", *made), language)[0] == expected


def test_a_title_says_that_a_track_is_forced(tmp_path):
    path = make_tracked(tmp_path / "a.mkv", track("forced", title="English (Forced)"), track("full", title="English"))
    assert read(path)[0] == "full"
    with open_container(path) as container:
        assert [one.name for one in text_tracks(container)] == ["track 1 (forced)", "track 2"]


def test_a_file_without_tracks_has_none(clip):
    with open_container(clip) as container:
        assert text_tracks(container) == []
