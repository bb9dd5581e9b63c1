import csv
import dataclasses
from collections import Counter

import numpy as np
import pytest
import yaml
from pyarrow import parquet

from pipeline.datasets.annotations import Caption
from pipeline.datasets.video import Video
from pipeline.errors import ConfigError
from pipeline.export.wide import Exported, Written, export_all
from pipeline.stores.store import Row
from tests.pipeline.export import samples

COUNTS = {"seen_light": [2, 0, 3, 0], "read_light": [0, 1, 4, 0]}
SILENT = [0, 0, 0, 0]
FAILED = 3
"""Place of the video on which both experts failed."""


def video(number, name):
    captions = tuple(Caption(f"caption {number} {n}") for n in range(number))
    return Video(name, f"{number:032x}", "train" if number < 2 else "test", captions, 1.5, True, False, False)


VIDEOS = [video(number, one.video) for number, one in enumerate(samples.videos(COUNTS["seen_light"]))]


def rows(name):
    for number, count in enumerate(COUNTS.get(name, SILENT)):
        row = Row(VIDEOS[number].content, count, number == FAILED, "broken" if number == FAILED else "")
        yield VIDEOS[number].video_id, row, ""


def exported(name):
    return Exported(samples.source(expert=name), lambda: samples.videos(COUNTS[name]), lambda: rows(name))


@pytest.fixture
def folder(tmp_path):
    written = export_all(VIDEOS, [exported(name) for name in COUNTS], tmp_path / "all")
    states = [Counter(present=2, absent=1, failed=1, noted=0), Counter(present=2, absent=1, failed=1, noted=0)]
    assert written == [
        Written(samples.source(expert=name), sum(COUNTS[name]), one) for name, one in zip(COUNTS, states, strict=True)
    ]
    return tmp_path / "all"


@pytest.fixture
def load(folder, tmp_path, monkeypatch):
    """`datasets.load_dataset` of the folder, without a network and with its cache in a folder of the test."""
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    datasets.disable_progress_bars()
    return lambda *names, **more: datasets.load_dataset(str(folder), *names, cache_dir=str(tmp_path / "cache"), **more)


def test_the_library_datasets_reads_each_expert(load):
    for name, counts in COUNTS.items():
        read = load(name, split="features").with_format("numpy")
        expected = np.concatenate([one.features.values for one in samples.videos(counts)])
        assert read[:]["features"].dtype == np.float32
        np.testing.assert_array_equal(
            np.ascontiguousarray(read[:]["features"]).view(np.uint32), expected.view(np.uint32)
        )
        assert load(name, split="features")["text"][:] == [
            text for one in samples.videos(counts) for text in one.features.extras["text"].tolist()
        ]


def test_beside_an_expert_that_saw_nothing_the_library_reads_the_others(tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    silent = Exported(samples.source(expert="a_silent"), lambda: samples.videos(SILENT), lambda: rows("a_silent"))
    export_all(VIDEOS, [silent, exported("seen_light")], tmp_path / "all")
    known = datasets.get_dataset_config_names(str(tmp_path / "all"))
    assert sorted(known) == ["seen_light", "videos"]
    for name in known:
        assert len(datasets.load_dataset(str(tmp_path / "all"), name, cache_dir=str(tmp_path / "cache"))) == 1
    assert parquet.read_table(tmp_path / "all" / "a_silent.parquet").num_rows == 0
    card = (tmp_path / "all" / "README.md").read_text(encoding="utf-8")
    assert '"seen_light", split="features"' in card and "| a_silent | rgb |" in card


def test_without_a_name_it_reads_the_videos_with_captions_and_counts(load):
    read = load()["videos"].to_list()
    assert [one["video"] for one in read] == [one.video_id for one in VIDEOS]
    assert [one["split"] for one in read] == ["train", "train", "test", "test"]
    assert read[2]["captions"] == ["caption 2 0", "caption 2 1"]
    assert [one["num_read_light"] for one in read] == [0, 1, 4, None]


def test_the_card_has_a_valid_header_and_tells_of_each_expert(folder):
    text = (folder / "README.md").read_text(encoding="utf-8")
    _, header, body = text.split("---\n", 2)
    told = yaml.safe_load(header)
    assert [one["config_name"] for one in told["configs"]] == ["videos", *COUNTS]
    assert [one["config_name"] for one in told["configs"] if one.get("default")] == ["videos"]
    for one in told["configs"]:
        assert (folder / one["data_files"][0]["path"]).is_file()
    pytest.importorskip("huggingface_hub").DatasetCardData(**told)
    assert "| seen_light | rgb | timm/some.net | 3 | 5 | 2 | 1 | 1 | MIT, BSD-3-Clause | 0123456789ab |" in body


def test_what_came_of_each_video_lies_beside_each_table(folder):
    with (folder / "read_light.parquet.videos.csv").open(encoding="utf-8", newline="") as file:
        states = [(row["state"], row["reason"]) for row in csv.DictReader(file)]
    assert states == [("absent", ""), ("present", ""), ("present", ""), ("failed", "broken")]


def test_an_expert_with_the_name_of_the_table_of_videos_is_refused(tmp_path):
    one = exported("seen_light")
    odd = Exported(samples.source(expert="videos"), one.features, one.rows)
    with pytest.raises(ConfigError, match=r"^an expert called 'videos'"):
        export_all(VIDEOS, [odd], tmp_path / "all")
    assert list(tmp_path.iterdir()) == []


def test_of_clips_the_table_of_videos_says_where_each_lies(tmp_path):
    clip = dataclasses.replace(VIDEOS[1], file="long.mp4", span_s=(2.0, 3.5))
    videos = [VIDEOS[0], clip, *VIDEOS[2:]]
    export_all(videos, [exported("seen_light")], tmp_path / "all")
    table = parquet.read_table(tmp_path / "all" / "videos.parquet")
    places = list(
        zip(*(table.column(name).to_pylist() for name in ("file", "clip_start_s", "clip_end_s")), strict=True)
    )
    assert places[:2] == [(VIDEOS[0].video_id, 0.0, 1.5), ("long.mp4", 2.0, 3.5)]
