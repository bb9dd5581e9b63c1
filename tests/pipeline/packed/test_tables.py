"""Parquet tables of videos: what Hugging Face's library writes, and what hostile ones claim."""

import io
import json
import random

import pyarrow as pa
import pytest
from pyarrow import parquet

from pipeline.errors import ArchiveError
from pipeline.packed import tables
from pipeline.packed.tables import Row, Table, cell, look, rows, spill

BYTES = [random.Random(number).randbytes(1000 + number) for number in range(5)]


def table_of(columns, group=2, **options):
    """The bytes of a Parquet file."""
    made = io.BytesIO()
    parquet.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), made, group, **options)
    return made.getvalue()


def packed(paths=True, names=None):
    names = names or [f"dir/v{number}.mp4" for number in range(len(BYTES))]
    return [{"bytes": one} | ({"path": name} if paths else {}) for one, name in zip(BYTES, names, strict=True)]


def listed(content):
    file = io.BytesIO(content)
    table = look(file)
    return table, list(rows(file, table))


def cells(content, group, column, tmp_path, count):
    path = tmp_path / "cells"
    spill(io.BytesIO(content), group, column, path, 1 << 30)
    with path.open("rb") as file:
        places = [cell(file, row) for row in range(count)]
        whole = path.read_bytes()
    return [None if size < 0 else whole[start : start + size] for start, size in places]


def test_a_column_of_bytes_and_paths_gives_names_and_bytes(tmp_path):
    content = table_of({"n": [1, 2, 3, 4, 5], "clip": packed(), "caption": list("abcde")})
    table, found = listed(content)
    assert table == Table("clip.bytes", "clip.path", True)
    places = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)]
    assert found == [Row(f"dir/v{number}.mp4", *place) for number, place in enumerate(places)]
    assert [cells(content, group, "clip.bytes", tmp_path, 2)[row] for group, row in places[:4]] == BYTES[:4]
    assert cells(content, 2, "clip.bytes", tmp_path, 1) == BYTES[4:]
    assert [json.loads(one) for one in cells(content, 1, "", tmp_path, 2)] == [{"caption": "c"}, {"caption": "d"}]


def test_what_hugging_face_writes_is_read(tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {
            "clip": datasets.Video(decode=False),
            "video": datasets.Value("string"),
            "captions": [datasets.Value("string")],
        }
    )
    rows_in = {"clip": packed(), "video": ["x"] * 5, "captions": [["a", "b"]] * 5}
    made = datasets.Dataset.from_dict(rows_in, features=features)
    made.to_parquet(tmp_path / "hf.parquet")
    content = (tmp_path / "hf.parquet").read_bytes()
    table, found = listed(content)
    assert table.column == "clip.bytes"  # as the table says, though another column is called video
    assert [one.name for one in found] == [f"dir/v{number}.mp4" for number in range(5)]
    stored = [one for group in range(found[-1].group + 1) for one in cells(
        content, group, table.column, tmp_path, sum(each.group == group for each in found))]  # fmt: skip
    assert stored == BYTES
    assert json.loads(cells(content, 0, "", tmp_path, 1)[0]) == {"captions": ["a", "b"]}


def test_bytes_alone_are_named_by_a_key_or_not_at_all(tmp_path):
    assert listed(table_of({"mp4": BYTES, "__key__": list("abcde")}))[1][1] == Row("b", 0, 1)
    table, found = listed(table_of({"video": packed(paths=False)}))
    assert table == Table("video.bytes", "", False) and found[2] == Row("", 1, 0)


def test_paths_alone_are_names_whether_the_bytes_are_null_or_there_is_no_column_for_them():
    names = [f"https://a.org/{number}.mp4" for number in range(3)]
    assert listed(table_of({"url": names, "x": [1, 2, 3]})) == (
        Table("", "url", False), [Row(name, number // 2, number % 2) for number, name in enumerate(names)],
    )  # fmt: skip
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    null = pa.array([{"bytes": None, "path": name} for name in names], kind)
    table, found = listed(table_of(pa.table({"video": null})))
    assert table.column == "" and [one.name for one in found] == names


def test_a_null_is_no_bytes(tmp_path):
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    some = pa.array(
        [{"bytes": b"1", "path": "a"}, None, {"bytes": None, "path": "c"}, {"bytes": b"", "path": "d"}], kind
    )
    content = table_of(pa.table({"video": some}), 4)
    assert cells(content, 0, "video.bytes", tmp_path, 4) == [b"1", None, None, b""]
    assert [one.name for one in listed(content)[1]] == ["a", "", "c", "d"]


def test_no_bytes_of_videos_are_read_where_they_are_only_listed():
    class Counting(io.BytesIO):
        num_read = 0

        def read(self, size=-1):
            content = super().read(size)
            Counting.num_read += len(content)
            return content

    big = [{"bytes": random.Random(number).randbytes(3 << 20), "path": f"{number}.mp4"} for number in range(6)]
    file = Counting(table_of({"video": big}, 3, compression="none", use_dictionary=False))
    assert len(list(rows(file, look(file)))) == 6
    assert Counting.num_read < 1 << 20


def test_more_than_the_cache_takes_is_told(tmp_path):
    with pytest.raises(ArchiveError, match="row group 0 is larger than the cache"):
        spill(io.BytesIO(table_of({"video": packed()}, 5)), 0, "video.bytes", tmp_path / "cells", 1500)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "cannot be read as Parquet"),
        (b"PAR1" + b"x" * 100, "cannot be read as Parquet"),
        (table_of({"video": packed()})[:3000], "cannot be read as Parquet"),
        (table_of({"n": [1, 2]}), "no column of videos"),
        (table_of({"a": packed(), "b": packed()}), "no column of videos"),
    ],
)
def test_what_is_no_table_of_videos_is_one_line(content, why):
    with pytest.raises(ArchiveError, match=why) as raised:
        listed(content)
    assert "\n" not in str(raised.value)


def test_a_row_group_that_no_memory_takes_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(tables, "MOST_GROUP_BYTES", 1000)
    with pytest.raises(ArchiveError, match="write it in smaller row groups"):
        spill(io.BytesIO(table_of({"video": packed()}, 5)), 0, "video.bytes", tmp_path / "cells", 1 << 30)


def test_names_that_take_too_much_memory_are_refused(monkeypatch):
    monkeypatch.setattr(tables, "MOST_NAME_BYTES", 1000)
    with pytest.raises(ArchiveError, match="as no names or texts do"):
        listed(table_of({"url": ["x" * 2000]}))


def test_columns_that_change_what_the_texts_mean_are_told_where_there_are_texts():
    rows = {"path": ["a.mp4"], "Start_s": [0.0], "end_s": [1.0], "grade": [2], "width": [3]}
    assert look(io.BytesIO(table_of(rows | {"text": ["a"]}))).unread == ("Start_s", "end_s", "grade")
    assert look(io.BytesIO(table_of({"mp4": [b"a"], "grade": [2], "split": ["val"]}))).unread == ("grade",)
    assert look(io.BytesIO(table_of({"video": packed()[:1], "grade": [2], "tags": ["x"]}))).unread == ("grade",)
    assert look(io.BytesIO(table_of(rows))).unread == ()
