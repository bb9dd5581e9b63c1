import math

import pytest

from extractors.captioning.from_file import MOST_BYTES, CaptionFile, Said
from pipeline.errors import WeightsError


def read(tmp_path, *lines):
    path = tmp_path / "captions.jsonl"
    path.write_bytes("\n".join(lines).encode())
    return CaptionFile(path)


def test_what_is_said_of_a_video_is_found_by_its_name_from_anywhere_above(tmp_path):
    told = read(
        tmp_path,
        '{"video": "clip", "text": "Of any clip."}',
        "",
        '{"video": "a/clip.mp4", "start_s": 5, "end_s": 9.5, "text": "Later."}',
        '{"video": "a/clip.mp4", "start_s": 0, "end_s": 5, "text": "First,\\u202e\\n bold."}',
    )
    assert told.of("/data/a/clip.mp4") == [Said(0, 5, "First, bold."), Said(5, 9.5, "Later.")]
    assert told.of("/data/b/clip.mkv") == [Said(0, math.inf, "Of any clip.")]
    assert told.of("/data/a/another.mp4") == []


@pytest.mark.parametrize(
    "line",
    [
        "{", "[]", '"text"', '{"video": "a"}', '{"video": 1, "text": "b"}', '{"video": "a", "text": ["b"]}',
        '{"video": "a", "text": "b", "start_s": -1}', '{"video": "a", "text": "b", "start_s": 2, "end_s": 2}',
        '{"video": "a", "text": "b", "start_s": "soon"}', '{"video": "a", "text": "b", "end_s": NaN}', "[" * 100_000,
    ],
)  # fmt: skip
def test_a_line_of_another_form_is_named(tmp_path, line):
    with pytest.raises(WeightsError, match=r"captions\.jsonl: line 2: not like"):
        read(tmp_path, '{"video": "a", "text": "b"}', line)


def test_a_line_without_an_end_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="line 1: longer than 1 MB"):
        read(tmp_path, "x" * (MOST_BYTES + 1))
