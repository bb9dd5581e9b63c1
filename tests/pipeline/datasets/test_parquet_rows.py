import math
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from pipeline.datasets import parquet_rows as module
from pipeline.datasets.annotations import DatasetConfig, read_annotations
from pipeline.errors import AnnotationError

ROWS = {
    "video": ["a.mp4", "a.mp4", "b.mp4"],
    "start_s": [1.5, 1.5, None],
    "end_s": [4, 4, None],
    "caption": ["One", "Two", "Three"],
    "split": ["test", "test", "train"],
    "id": [7, 7, 8],
    "tags": [["rgb", "audio"], [], None],
    "other": [b"\xff", None, b""],
}


def read(path):
    return read_annotations(DatasetConfig(videos="videos", captions=str(path)))


def complaint(path):
    with pytest.raises(AnnotationError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def written(path, rows):
    parquet.write_table(pa.table(rows), path)
    return path


def test_a_table_is_read_as_the_same_rows_of_csv_are(tmp_path):
    text = "video,start_s,end_s,caption,split,id,tags\na.mp4,1.5,4,One,test,7,rgb;audio\na.mp4,1.5,4,Two,test,7,\n"
    (tmp_path / "c.csv").write_text(text + "b.mp4,,,Three,train,8,\n")
    found = read(written(tmp_path / "c.parquet", ROWS))
    assert found == read(tmp_path / "c.csv")
    assert list(found) == ["7", "b.mp4"]


def test_seconds_may_be_decimals_as_duckdb_writes_them_and_nan_is_nothing(tmp_path):
    wide, narrow = pa.decimal128(38, 10), pa.decimal128(3, 1)
    rows = ROWS | {
        "start_s": pa.array([Decimal("1.5"), Decimal("1.5"), None], narrow),
        "end_s": pa.array([Decimal(4), Decimal(4), None], wide),
        "id": pa.array([Decimal(7), Decimal(7), Decimal(8)], pa.decimal128(18, 0)),
    }
    expected = read(written(tmp_path / "c.parquet", ROWS))
    assert read(written(tmp_path / "decimals.parquet", rows)) == expected
    seconds = {"start_s": pa.array([1.5, 1.5, math.nan], pa.float32()), "end_s": np.array([4, 4, math.nan])}
    assert read(written(tmp_path / "nan.parquet", ROWS | seconds)) == expected


def test_what_pandas_writes_is_read(tmp_path):
    pd = pytest.importorskip("pandas")
    pd.DataFrame({name: ROWS[name] for name in ("video", "start_s", "end_s", "caption", "split")}).to_parquet(
        tmp_path / "c.parquet"
    )
    found = read(tmp_path / "c.parquet")
    assert list(found) == ["a.mp4#t=1.5,4", "b.mp4"]


def test_all_batches_are_read_and_rows_are_counted_through(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BATCH_ROWS", 2)
    path = written(tmp_path / "c.parquet", {"Video": list("abcde"), " CAPTION": ["x", "x", "x", "x", ""]})
    assert "row 5: 'video' and 'caption' must not be empty" in complaint(path)


def test_a_column_that_lacks_or_is_there_twice_is_told(tmp_path):
    assert "no column 'caption'; it has 'video'" in complaint(written(tmp_path / "a.parquet", {"video": ["a"]}))
    twice = written(tmp_path / "b.parquet", {"video": ["a"], "caption": ["x"], "Caption": ["y"]})
    assert "'caption' 2 times" in complaint(twice)


@pytest.mark.parametrize(
    "column", [{"caption": [["x"]]}, {"caption": [b"\xff"]}, {"start_s": ["soon"]}, {"end_s": [True]}]
)
def test_values_that_are_no_cells_are_refused_in_one_line(tmp_path, column):
    rows = {"video": ["a"], "start_s": [1.0], "end_s": [2.0], "caption": ["x"]} | column
    assert "row 1: " in complaint(written(tmp_path / "a.parquet", rows))


@pytest.mark.parametrize("cut", [0, 4, 20, -1, -9])
def test_a_damaged_file_is_told_in_one_line(tmp_path, cut):
    path = written(tmp_path / "a.parquet", ROWS)
    path.write_bytes(path.read_bytes()[:cut])
    assert "cannot be read as Parquet" in complaint(path)


def test_flipped_bytes_never_end_in_anything_but_an_error_of_one_line_or_rows(tmp_path):
    path = written(tmp_path / "a.parquet", ROWS)
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            read(path)
        except AnnotationError as error:
            assert "\n" not in str(error)


def test_text_that_takes_more_memory_than_captions_do_is_refused(tmp_path, monkeypatch):
    path = written(tmp_path / "a.parquet", {"video": ["a"] * 1000, "caption": ["x" * 1000] * 1000})
    monkeypatch.setattr(module, "MOST_BYTES", 500_000)
    assert "some rows take" in complaint(path), "one text in a dictionary, a thousand times"


def test_what_is_no_file_is_told(tmp_path):
    assert "no such file" in complaint(tmp_path / "gone.parquet")
    (tmp_path / "folder.parquet").mkdir()
    assert "cannot be read" in complaint(tmp_path / "folder.parquet")
