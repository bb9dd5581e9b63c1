import dataclasses
import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from pipeline.errors import ConfigError, StoreError
from pipeline.export import tables
from pipeline.export.source import VideoFeatures
from pipeline.export.tables import group_rows, write_lance, write_parquet
from pipeline.stores.parts import Features
from tests.pipeline.export import samples

COUNTS = [0, 3, 1, 0, 4]
FIXED = pa.list_(pa.float32(), 3)


def read(path):
    if path.suffix == ".parquet":
        return parquet.read_table(path)
    return pytest.importorskip("lance").dataset(path).to_table()


WRITERS = pytest.mark.parametrize("write, name", [(write_parquet, "f.parquet"), (write_lance, "f.lance")])


@WRITERS
def test_every_row_is_that_of_the_store_bit_for_bit(tmp_path, write, name):
    assert write(samples.videos(COUNTS), tmp_path / name, samples.source()) == 8
    table = read(tmp_path / name).combine_chunks()
    expected = [video for video in samples.videos(COUNTS) for _ in video.features.times_s]
    assert table.column("video").to_pylist() == [one.video for one in expected]
    assert table.column("content").to_pylist() == [one.content for one in expected]
    assert set(table.column("expert").to_pylist()) == {"seen_light"}
    whole = [video.features for video in samples.videos(COUNTS) if len(video.features.times_s)]
    flat = table.column("features").chunk(0).flatten().to_numpy()
    np.testing.assert_array_equal(
        flat.view(np.uint32), np.concatenate([one.values.reshape(-1) for one in whole]).view(np.uint32)
    )
    times = np.stack([table.column(key).to_numpy() for key in ("start_s", "end_s")], axis=1)
    np.testing.assert_array_equal(times, np.concatenate([one.times_s for one in whole]))
    for key in ("text", "confidence", "box_px", "labels"):
        assert table.column(key).to_pylist() == np.concatenate([one.extras[key] for one in whole]).tolist(), key


@WRITERS
def test_vectors_and_boxes_have_a_fixed_size_and_the_schema_says_what_made_them(tmp_path, write, name):
    write(samples.videos(COUNTS), tmp_path / name, samples.source())
    schema = read(tmp_path / name).schema
    assert schema.field("features").type == FIXED
    assert schema.field("box_px").type == pa.list_(pa.float32(), 4)
    assert schema.field("confidence").type == pa.float32()
    told = {key.decode(): value.decode() for key, value in schema.metadata.items()}
    assert told["recipe_fingerprint"] == "0123456789ab"
    assert (told["expert"], told["model"], told["dataset"]) == ("seen_light", "timm/some.net", "tiny")
    assert json.loads(told["weights"]) == {"network": "ab" * 32}
    assert json.loads(told["recipe"]) == samples.RECIPE


def test_an_expert_without_vectors_has_no_column_for_them(tmp_path):
    write_parquet(samples.videos([2], dim=0), tmp_path / "f.parquet", samples.source(dim=0))
    table = parquet.read_table(tmp_path / "f.parquet")
    assert "features" not in table.column_names
    assert table.num_rows == 2


@WRITERS
def test_of_nothing_there_is_a_table_without_rows(tmp_path, write, name):
    assert write(samples.videos([0, 0]), tmp_path / name, samples.source()) == 0
    assert read(tmp_path / name).schema.field("features").type == FIXED


def test_row_groups_are_as_long_as_they_are_said_to_be(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "GROUP_BYTES", 5 * 4 * 3)
    assert group_rows(3) == 5
    write_parquet(samples.videos([3, 3, 17, 1]), tmp_path / "f.parquet", samples.source())
    metadata = parquet.ParquetFile(tmp_path / "f.parquet").metadata
    groups = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    assert sum(groups) == 24
    assert max(groups) <= 5


@pytest.mark.parametrize("num_videos", [100, 1000])
def test_no_more_rows_are_in_memory_than_a_row_group_and_a_video(tmp_path, monkeypatch, num_videos):
    monkeypatch.setattr(tables, "GROUP_BYTES", 50 * 4 * 8)
    videos = samples.Counted(num_videos, rows=7, dim=8)
    assert write_parquet(videos, tmp_path / "f.parquet", samples.source(8)) == 7 * num_videos
    assert videos.most <= 50 + 3 * 7  # a group, the video that fills it, the next one, and the last of the loop


@pytest.mark.parametrize("num_videos", [100, 1000])
def test_lance_is_given_one_video_after_another(tmp_path, num_videos):
    pytest.importorskip("lance")
    videos = samples.Counted(num_videos, rows=7, dim=8)
    assert write_lance(videos, tmp_path / "f.lance", samples.source(8)) == 7 * num_videos
    assert videos.most <= 10 * 7, "whatever their number"


MEASURED = """
import resource, sys
from pathlib import Path
from pipeline.export.tables import write_parquet
from tests.pipeline.export.samples import Counted, source
print(write_parquet(Counted(int(sys.argv[1]), 10, 512), Path(sys.argv[2]), source(512)))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_a_hundred_times_the_rows_take_no_more_memory(tmp_path):
    peaks = {}
    for num_videos in (100, 10000):  # of 2 kB a row: 2 MB and 200 MB
        ran = subprocess.run(
            [sys.executable, "-c", MEASURED, str(num_videos), str(tmp_path / "f.parquet")],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        rows, peaks[num_videos] = map(int, ran.stdout.split())
        assert rows == 10 * num_videos
    assert peaks[10000] - peaks[100] < 64 * 1024, f"kB: {peaks}"


@WRITERS
@pytest.mark.parametrize(
    "other, said",
    [
        (Features(np.zeros((1, 3), np.float32), np.zeros((1, 2)), {}), "'box_px' is not"),
        (Features(np.zeros((1, 2), np.float32), np.zeros((1, 2)), samples.words(1).extras), "vectors of 2, not 3"),
    ],
)
def test_features_of_another_form_are_refused_in_one_line(tmp_path, write, name, other, said):
    mixed = [VideoFeatures("a", "0", samples.words(2)), VideoFeatures("odd", "1", other)]
    with pytest.raises(StoreError, match=f"^seen_light: odd: {said}[^\n]*$"):
        write(iter(mixed), tmp_path / name, samples.source())


def test_without_its_package_lance_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "lance", None)
    with pytest.raises(ConfigError, match=r"^[^\n]*pip install 'expert-retrieval\[lance\]'$"):
        write_lance(samples.videos([1]), tmp_path / "f.lance", samples.source())


@WRITERS
def test_a_clip_says_where_it_lies_in_its_file(tmp_path, write, name):
    told = {"file": "long.mp4", "clip_start_s": 2.5, "clip_end_s": 4.0}
    videos = [dataclasses.replace(video, clip=told) for video in samples.videos(COUNTS)]
    write(videos, tmp_path / name, samples.source())
    table = read(tmp_path / name)
    assert {key: set(table.column(key).to_pylist()) for key in told} == {key: {value} for key, value in told.items()}
    write(samples.videos(COUNTS), tmp_path / f"other_{name}", samples.source())
    assert not told.keys() & set(read(tmp_path / f"other_{name}").column_names), "without clips nothing is added"
