import os
import unicodedata
from pathlib import Path

import pytest

from pipeline.media import sidecars as module
from pipeline.media.sidecars import Listing, ranked, sidecars, unusable_sidecar


def touch(folder, *names):
    for name in names:
        (folder / name).touch()
    return folder


def found(folder, video):
    return {sidecar.path.name for sidecar in sidecars(folder / video)}


def test_the_subtitle_files_of_a_video_have_its_stem(tmp_path):
    touch(tmp_path, "a.mp4", "a.srt", "a.vtt", "b.mp4", "b.vtt", "c.mp4", "c.en.srt", "a.b.mp4", "a.b.srt", "d.mp4")
    assert found(tmp_path, "a.mp4") == {"a.srt", "a.vtt"}
    assert found(tmp_path, "b.mp4") == {"b.vtt"}
    assert found(tmp_path, "c.mp4") == {"c.en.srt"}
    assert found(tmp_path, "a.b.mp4") == {"a.b.srt"}
    assert found(tmp_path, "d.mp4") == set()


@pytest.mark.parametrize("suffix", [".srt", ".SRT", ".Vtt", ".ASS", ".ssa"])
@pytest.mark.parametrize(
    "tail", ["", ".mp4", ".mp4.en", ".en", ".en-US", ".eng.sdh", ".forced", ".pt_BR", ".zh-Hans", ".English"]
)
def test_the_suffix_is_in_any_case_and_a_language_may_stand_before_it(tmp_path, tail, suffix):
    touch(tmp_path, "clip.mp4", f"clip{tail}{suffix}")
    (sidecar,) = sidecars(tmp_path / "clip.mp4")
    assert (sidecar.path.name, sidecar.tail) == (f"clip{tail}{suffix}", f"{tail}{suffix}".lower())
    assert sidecar.suffix == suffix.lower()


def test_a_file_that_belongs_to_another_video_is_not_taken(tmp_path):
    touch(tmp_path, "clip.mp4", "clip.2.mp4", "clip.2.srt", "clip.en.mkv", "clip.en.srt", "clip.de.srt", "clip.de.json")
    assert found(tmp_path, "clip.mp4") == {"clip.de.srt"}
    assert found(tmp_path, "clip.2.mp4") == {"clip.2.srt"}
    assert found(tmp_path, "clip.en.mkv") == {"clip.en.srt"}
    touch(tmp_path, "clip2.srt", "clips.srt", "._clip.srt")
    assert found(tmp_path, "clip.mp4") == {"clip.de.srt"}


def test_a_name_that_is_not_understood_is_left_out_and_told(tmp_path):
    touch(tmp_path, "clip.mp4", "clip.final.srt")
    assert found(tmp_path, "clip.mp4") == set()
    assert unusable_sidecar(tmp_path / "clip.mp4") == "clip.final.srt: left out, since its name says no known language"
    touch(tmp_path, "clip.final.mp4")
    assert unusable_sidecar(tmp_path / "clip.mp4") == ""


def test_names_are_compared_by_their_normal_form(tmp_path):
    composed, decomposed = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    touch(tmp_path, f"{composed}.mp4", f"{decomposed}.en.srt")
    (sidecar,) = sidecars(tmp_path / f"{composed}.mp4")
    assert (sidecar.path.name, sidecar.tail) == (f"{decomposed}.en.srt", ".en.srt")


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("", ["en.srt", "en.sdh.srt", "srt", "vtt", "de.srt", "fr.ass", "en.forced.srt"]),
        ("de", ["de.srt", "srt", "vtt", "en.srt", "en.sdh.srt", "fr.ass", "en.forced.srt"]),
        ("es", ["srt", "vtt", "de.srt", "en.srt", "en.sdh.srt", "fr.ass", "en.forced.srt"]),
    ],
)
def test_the_language_that_is_asked_for_comes_first_and_forced_subtitles_last(tmp_path, language, expected):
    touch(tmp_path, "a.mp4", *(f"a.{tail}" for tail in expected))
    assert [one.tail[1:] for one in ranked(sidecars(tmp_path / "a.mp4"), language)] == expected


def test_a_file_that_comes_or_goes_is_seen_at_once(tmp_path):
    touch(tmp_path, "a.mp4")
    for folder_age_s in (0, 100):
        for tail in (".srt", ".en.srt"):
            assert found(tmp_path, "a.mp4") == set()
            touch(tmp_path, f"a{tail}")
            assert found(tmp_path, "a.mp4") == {f"a{tail}"}
            (tmp_path / f"a{tail}").unlink()
        changed_ns = tmp_path.stat().st_mtime_ns - folder_age_s * 10**9
        os.utime(tmp_path, ns=(changed_ns, changed_ns))


def test_an_old_folder_is_listed_once_for_all_its_videos(tmp_path, monkeypatch):
    touch(tmp_path, "a.mp4", "b.mp4", "b.srt")
    os.utime(tmp_path, (1e9, 1e9))
    listed = []
    real = module._read_listing
    monkeypatch.setattr(module, "_read_listing", lambda folder: listed.append(folder) or real(folder))
    assert (found(tmp_path, "a.mp4"), found(tmp_path, "b.mp4")) == (set(), {"b.srt"})
    assert len(listed) == 1


def test_a_folder_that_is_not_there_has_no_subtitles(tmp_path):
    assert sidecars(tmp_path / "gone" / "a.mp4") == []
    assert unusable_sidecar(tmp_path / "gone" / "a.mp4") == ""


def test_a_folder_of_that_name_is_no_subtitle_file(tmp_path):
    (tmp_path / "d.srt").mkdir()
    assert sidecars(tmp_path / "d.mp4") == []
    assert unusable_sidecar(tmp_path / "d.mp4") == "d.srt: a folder, not a file; left out"


def test_what_lies_in_the_place_of_subtitles_and_is_no_file_is_told(tmp_path):
    for name in ("a.srt", "b.en.vtt"):
        os.mkfifo(tmp_path / name)
    touch(tmp_path, "c.srt")
    told = [unusable_sidecar(tmp_path / name) for name in ("a.mp4", "b.mp4", "c.mp4", "d.mp4")]
    assert told == ["a.srt: a named pipe, not a file; left out", "b.en.vtt: a named pipe, not a file; left out", "", ""]
    assert sidecars(tmp_path / "a.mp4") == []


def test_a_video_is_given_no_other_subtitles_than_a_look_at_each_name_gives(tmp_path):
    """Against a plain reading of the rule: the stem, or the stem and a dot, unless a video has the whole stem."""
    stems = ["a", "a.b", "a.b.c", "a.en", "ab", ".a", "a.", "A"]
    videos = [f"{stem}.mp4" for stem in stems[::2]]
    subtitles = [f"{stem}{suffix}" for stem in stems for suffix in (".srt", ".VTT")]
    listing = module.Listing(subtitles)
    for name in [*videos, *subtitles, "a.b.c.json", "a.en.mp3"]:
        listing.note_owner(name)
    for video in [f"{stem}.mp4" for stem in stems]:
        stem = Path(video).stem
        taken = {Path(other).stem for other in videos} - {stem}
        expected = [
            name
            for name in sorted(subtitles)
            if Path(name).stem == stem or (name.startswith(f"{stem}.") and Path(name).stem not in taken)
        ]
        assert [name for name, _ in listing.beside(video)] == expected, video


def test_the_videos_beside_which_there_is_something_are_told_with_their_places():
    videos = ["b.mp4", "a.mp4", "cafe\u0301.webm", "a.b.mkv", "noend", "noend."]
    listing = Listing(["a.b.en.srt", "caf\u00e9.vtt", "noend.srt"])
    assert listing.subtitled(videos) == [(at, name) for at, name in enumerate(videos) if listing.beside(name)]
    assert [name for _, name in listing.subtitled(videos)] == videos[1:5]
