from dataclasses import replace
from pathlib import Path

from pipeline.datasets import manifest
from pipeline.datasets.clips import clip_content
from pipeline.datasets.cut import cut
from pipeline.datasets.cutting import Cutting
from pipeline.datasets.video import Video
from pipeline.datasets.videos import Listed

FILM = Video("a/film.mp4", "0" * 32, "", (), 10.0, True, True, False, note="cut off", stamps=(1, 2))
BROKEN = Video("b.mp4", "1" * 32, "", (), 0.0, False, False, False, problem="cannot be read")
BRIEF = Video("c.mp4", "2" * 32, "", (), 3.0, True, False, False)
WHOLE = manifest.of("films.whole", Path("root"), Listed([FILM, BROKEN, BRIEF]), ["a note"])


def no_rows(video):
    return ()


def test_a_clip_has_its_span_its_content_and_what_is_known_of_its_file():
    found = cut("films", WHOLE, Cutting("seconds", seconds=6.0), no_rows)
    first, second, *rest = found.videos
    assert first == replace(
        FILM, video_id="a/film.mp4#t=0,6", file="a/film.mp4", span_s=(0.0, 6.0), duration_s=6.0,
        content=clip_content(FILM.content, (0.0, 6.0)),
    )  # fmt: skip
    assert (second.video_id, second.span_s, second.duration_s) == ("a/film.mp4#t=6,10", (6.0, 10.0), 4.0)
    assert rest == [BROKEN, BRIEF], "as they are"
    assert (found.dataset, found.root, found.warnings) == ("films", Path("root"), ("a note",))
    assert found.path(second) == Path("root/a/film.mp4")


def test_rows_are_asked_of_videos_that_can_be_read_alone():
    asked = []

    def rows_s(video):
        asked.append(video.video_id)
        return [(0.0, 2.5), (2.5, video.duration_s)]

    found = cut("films", WHOLE, Cutting("shots", shortest_s=1.0), rows_s)
    assert asked == ["a/film.mp4", "c.mp4"]
    assert [video.span_s for video in found.videos] == [(0.0, 2.5), (2.5, 10.0), (), ()]


def test_the_same_clips_are_the_same_manifest_however_they_were_cut():
    by_shots = cut("films", WHOLE, Cutting("shots"), lambda video: [(0.0, 5.0), (5.0, 10.0)])
    by_seconds = cut("films", WHOLE, Cutting("seconds", seconds=5.0), no_rows)
    assert by_shots.fingerprint == by_seconds.fingerprint
    assert by_shots.fingerprint != cut("films", WHOLE, Cutting("seconds", seconds=4.0), no_rows).fingerprint


def test_many_clips_are_kept_in_columns(monkeypatch):
    monkeypatch.setattr("pipeline.datasets.video_columns.FEW", 2)
    found = cut("films", WHOLE, Cutting("seconds", seconds=2.0), no_rows)
    assert len(found.videos) == 5 + 1 + 2
    assert [video.span_s for video in found.videos][:2] == [(0.0, 2.0), (2.0, 4.0)]
