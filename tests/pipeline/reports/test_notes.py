import pytest

from pipeline.reports.notes import NUM_KINDS, NUM_VIDEOS, Note, kind_of, summary


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("47 of 100 frames are in the file", "N of N frames are in the file"),
        ("part 3: 12 of 32 sampled frames decode", "N of N sampled frames decode"),
        ("subtitles of clip.en.srt: read as cp1251", "subtitles of FILE: read as cpN"),
        ("a.srt: a named pipe, not a file", "FILE: a named pipe, not a file"),
        ("no audio stream", "no audio stream"),
        ("silence until 2.35 s", "silence until N s"),
    ],
)
def test_notes_that_differ_in_numbers_and_files_are_one_kind(text, kind):
    assert kind_of(text) == kind


def test_kinds_are_counted_by_video_and_the_first_notes_are_those_of_what_is_missing():
    notes = [
        Note("a", "no audio stream", ("audio",), is_absent=True),
        Note("b", "no audio stream", ("audio",), is_absent=True),
        Note("c", "3 of 4 frames", ("rgb", "flow")),
        Note("c", "part 2: 7 of 9 frames", ("rgb",)),
    ]
    assert summary(notes) == {
        "total": 4,
        "kinds": [{"kind": "no audio stream", "videos": 2}, {"kind": "N of N frames", "videos": 1}],
        "videos": [
            {"video": "c", "note": "3 of 4 frames", "experts": ["rgb", "flow"]},
            {"video": "c", "note": "part 2: 7 of 9 frames", "experts": ["rgb"]},
            {"video": "a", "note": "no audio stream", "experts": ["audio"]},
            {"video": "b", "note": "no audio stream", "experts": ["audio"]},
        ],
    }


def test_a_summary_is_bounded_and_says_of_how_many():
    notes = [Note(f"{number:04}", f"kind {chr(0x4E00 + number)}") for number in range(1000)]
    told = summary(notes)
    assert (told["total"], len(told["kinds"]), len(told["videos"])) == (1000, NUM_KINDS, NUM_VIDEOS)
    assert told["videos"][0]["video"] == "0000"
