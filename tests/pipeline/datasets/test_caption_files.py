import json
import os

import pytest

from pipeline.datasets.caption_files import may_hold, read_rows
from pipeline.errors import AnnotationError


def test_json_lines_may_have_keys_in_any_case_and_any_encoding(tmp_path):
    path = tmp_path / "c.jsonl"
    line = json.dumps({"Video": "a.mp4", " Caption": "Größe"}, ensure_ascii=False)
    for encoding in ("utf-8-sig", "utf-16", "utf-16-le", "cp1252"):
        path.write_bytes(f"{line}\r\n".encode(encoding))
        warnings = []
        ((where, row),) = read_rows(path, warnings)
        assert (where, row["video"], row["caption"], row["split"]) == (f"{path}:1", "a.mp4", "Größe", "")
        assert len(warnings) == (encoding == "cp1252")


def test_a_key_that_is_there_twice_is_told_with_its_line(tmp_path):
    path = tmp_path / "c.jsonl"
    path.write_text('{"video": "a", "caption": "x"}\n{"video": "a", "caption": "x", "caption": "y"}\n')
    with pytest.raises(AnnotationError, match=r"c\.jsonl:2: not JSON: 'caption' is there 2 times"):
        list(read_rows(path, []))


@pytest.mark.parametrize("text", ["\\ud800 x", "x\\u0000"])
def test_what_json_can_say_and_no_file_can_hold_is_told_with_its_line(tmp_path, text):
    path = tmp_path / "c.jsonl"
    path.write_text(f'{{"video": "a", "caption": "{text}"}}\n')
    with pytest.raises(AnnotationError, match=r"c\.jsonl:1: 'caption' holds a zero byte or half a character"):
        list(read_rows(path, []))


def test_tabs_may_be_between_the_columns_of_a_tsv(tmp_path):
    (tmp_path / "c.TSV").write_text('video\tcaption\na.mp4\tA "big" dog, running\n')
    ((_, row),) = read_rows(tmp_path / "c.TSV", [])
    assert row == {"video": "a.mp4", "caption": 'A "big" dog, running'}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"video,caption\na.mp4,a man\n", False),
        (b"video,caption\na.mp4,the file x.SRT\n", True),
        ("video,caption\na.srt,a man\n".encode("utf-16"), True),
        (b"video,caption\na%2Esrt,a man\n", True),
        (b'{"video": "a\\u002esrt", "caption": "a man"}', True),
        (b'{"video": "a.mp4", "caption": "\\u00e9t\\u00e9 100%"}', False),
        ("video,caption\nカ.mp4,表ソ\n".encode("shift_jis"), False),
    ],
)
def test_whether_an_ending_may_be_in_a_file_is_told_by_its_bytes(tmp_path, content, expected):
    path = tmp_path / "captions.csv"
    path.write_bytes(content)
    assert may_hold(path, {".srt", "readme"}) == expected


def test_what_cannot_be_looked_into_may_hold_anything(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    assert may_hold(tmp_path / "pipe.csv", {".srt"})
    assert may_hold(tmp_path / "nowhere.csv", {".srt"})
