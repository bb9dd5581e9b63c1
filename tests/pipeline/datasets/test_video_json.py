import json

import pytest

from pipeline.datasets.annotations import Caption
from pipeline.datasets.video import Video
from pipeline.datasets.video_json import FIELDS, from_json, to_json

WHOLE = Video("a.mp4", "c" * 32, "test", (Caption("One", ("rgb",)),), 4.0, True, True, False, stamps=(1, 2, 0, 0))
CLIP = Video("x", "d" * 32, "", (), 1.5, True, False, False, file="a.mp4", span_s=(1.0, 2.5))


JUDGED = Video(
    "j", "e" * 32, "test", (Caption("One", (), "q1", 2, ((0.0, 1.5),)), Caption("Two")), 4.0, True, True, False
)


@pytest.mark.parametrize("video", [WHOLE, CLIP, JUDGED])
def test_a_video_is_read_back_from_json(video):
    assert from_json(json.loads(json.dumps(to_json(video)))) == video


def test_fields_of_clips_are_those_of_clips_alone():
    assert set(to_json(CLIP)) == FIELDS - {"asked"}
    assert FIELDS - set(to_json(WHOLE)) == {"file", "span_s", "asked"}


def test_grades_ids_and_windows_are_there_only_where_captions_have_some():
    assert FIELDS - set(to_json(JUDGED)) == {"file", "span_s"}
    assert to_json(JUDGED)["captions"][0] == {"text": "One", "tags": ()}


def test_what_an_older_version_wrote_is_read():
    older = {
        name: value for name, value in to_json(WHOLE).items() if name not in {"stamps", "seekable", "note", "problem"}
    }
    assert from_json(older).stamps == ()
    with pytest.raises(KeyError):
        from_json({"video_id": "a.mp4"})
