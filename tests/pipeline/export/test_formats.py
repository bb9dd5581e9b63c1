import csv
import json

import numpy as np
import pytest

from pipeline.errors import ConfigError, StoreError
from pipeline.export.formats import export, export_states, name_of
from pipeline.export.source import VideoFeatures, with_label_names
from pipeline.stores.parts import Features
from pipeline.stores.store import Row
from tests.pipeline.export import samples

WORDS = Features(
    np.zeros((2, 3), np.float32),
    np.array([[0.0, 1.0], [1.5, 2.0]]),
    {
        "text": np.array(["straße", "b"]),
        "confidence": np.array([0.9, 0.1], np.float32),
        "box_px": np.array([[0, 1, 2, 3.5], [0, 0, 1, 1]], np.float32),
    },
)
PLAIN = Features(np.array([[0.5, -1.0]], np.float32), np.array([[0.0, 2.0]]))
NOTHING = Features(np.zeros((0, 2), np.float32), np.zeros((0, 2)))


def exported(videos, path, kind):
    """An export of these (id, features)."""
    dim = next((one.values.shape[1] for _, one in videos), 0) if isinstance(videos, list) else 3
    return export((VideoFeatures(video, "", one) for video, one in videos), path, kind, samples.source(dim))


def test_words_become_lines_with_times_boxes_and_confidence(tmp_path):
    path = tmp_path / "new" / "words.jsonl"
    assert exported([("a/b", WORDS), ("c", NOTHING)], path, "jsonl") == 2
    first, _ = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    assert first == {
        "video": "a/b", "start_s": 0.0, "end_s": 1.0, "text": "straße", "confidence": 0.9, "box_px": [0, 1, 2, 3.5],
    }  # fmt: skip


def test_rows_with_nothing_beside_them_are_their_features(tmp_path):
    exported([("a", PLAIN)], tmp_path / "f.jsonl", "jsonl")
    assert json.loads((tmp_path / "f.jsonl").read_text())["features"] == [0.5, -1.0]


def test_arrays_are_one_file_a_video(tmp_path):
    assert exported([("a/b", WORDS), ("c", NOTHING)], tmp_path / "out", "npy") == 2
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "a" / "b.npy"), WORDS.values)
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "a" / "b.times_s.npy"), WORDS.times_s)
    assert np.load(tmp_path / "out" / "c.npy").shape == (0, 2)


def test_parquet_holds_the_same_rows(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    assert exported([("a", WORDS)], tmp_path / "w.parquet", "parquet") == 2
    assert parquet.read_table(tmp_path / "w.parquet").column("text").to_pylist() == ["straße", "b"]


def test_without_its_package_parquet_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ConfigError, match="pip install pyarrow"):
        exported([("a", WORDS)], tmp_path / "w.parquet", "parquet")
    assert list(tmp_path.iterdir()) == []


def test_what_came_of_each_video_is_a_table_and_is_counted(tmp_path):
    rows = [
        ("a,b.mp4", Row("x", 3), ""),
        ("c", Row("y", 0, reason="no audio stream"), ""),
        ("d", Row("z", 0, failed=True, reason='said "no",\nthen died'), ""),
        ("e", Row("w", 2, reason="part 2: cut short"), ""),
        ("f", Row("v", 2), "47 of 100 frames are in the file"),
    ]
    assert export_states(rows, tmp_path / "new" / "v.csv") == {"present": 3, "absent": 1, "failed": 1, "noted": 2}
    with (tmp_path / "new" / "v.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["video", "state", "rows", "reason", "note"],
            ["a,b.mp4", "present", "3", "", ""],
            ["c", "absent", "0", "no audio stream", ""],
            ["d", "failed", "0", 'said "no",\nthen died', ""],
            ["e", "present", "2", "part 2: cut short", ""],
            ["f", "present", "2", "", "47 of 100 frames are in the file"],
        ]


LABELLED = Features(
    np.array([[0.5, -1.0]], np.float32),
    np.array([[0.0, 2.0]]),
    {"labels": np.array([[2, 0]], np.int16), "label_scores": np.array([[0.9, 0.1]], np.float32)},
)
CLASSES = ("bread", "water", "brown bear, bruin")


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_labels_are_names_beside_the_vector(tmp_path, kind):
    path = tmp_path / f"f.{kind}"
    exported([("a", with_label_names(LABELLED, CLASSES))], path, kind)
    rows = (
        [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        if kind == "jsonl"
        else pytest.importorskip("pyarrow.parquet").read_table(path).to_pylist()
    )
    named = [{key: value for key, value in row.items() if key not in ("content", "expert")} for row in rows]
    for row in named:
        row["label_scores"] = np.array(row["label_scores"], np.float32).tolist()
    assert named == [
        {"video": "a", "start_s": 0.0, "end_s": 2.0, "features": [0.5, -1.0],
         "labels": ["brown bear, bruin", "bread"], "label_scores": np.array([0.9, 0.1], np.float32).tolist()}
    ]  # fmt: skip


def test_labels_are_arrays_beside_the_vectors(tmp_path):
    assert exported([("a", with_label_names(LABELLED, CLASSES)), ("b", NOTHING)], tmp_path, "npy") == 1
    assert np.load(tmp_path / "a.labels.npy").tolist() == [["brown bear, bruin", "bread"]]
    np.testing.assert_array_equal(np.load(tmp_path / "a.label_scores.npy"), LABELLED.extras["label_scores"])
    assert {path.name for path in tmp_path.iterdir()} == {
        "a.npy", "a.times_s.npy", "a.labels.npy", "a.label_scores.npy", "b.npy", "b.times_s.npy",
    }  # fmt: skip


@pytest.mark.parametrize("kind, inside", [("lance", "_versions"), ("webdataset", "seen_light-000000.tar")])
def test_a_format_that_is_a_folder_appears_whole_and_replaces_an_older_one(tmp_path, kind, inside):
    path = tmp_path / name_of("words", kind)
    for count in (2, 1):
        assert export(samples.videos([count]), path, kind, samples.source()) == count
        assert (path / inside).exists()
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("kind", ["jsonl", "parquet", "lance", "webdataset"])
def test_what_fails_half_way_leaves_nothing(tmp_path, kind):
    def broken():
        yield from samples.videos([2])
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="gone"):
        export(broken(), tmp_path / "w", kind, samples.source())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_folder_is_never_taken_for_a_file(tmp_path, kind):
    with pytest.raises(ConfigError, match=r"^[^\n]*it is a folder, and \w+ is a file; name one with --to$"):
        export(samples.videos([1]), tmp_path, kind, samples.source())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["jsonl", "parquet", "lance", "webdataset", "npy"])
def test_a_place_that_cannot_be_written_is_told_in_one_line(tmp_path, kind):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"^[^\n]*out: cannot be written: [^\n]+$"):
        export(samples.videos([1]), tmp_path / "file" / "out", kind, samples.source())
