"""Imports of rows from the pickles of an archive."""

import pickle

import numpy as np
import pytest

from pipeline.datasets.annotations import Caption
from pipeline.errors import ArchiveError
from pipeline.released import feature_import
from pipeline.released.feature_import import (
    Table,
    begin,
    fill_absent,
    find,
    fits,
    import_features,
    import_texts,
    origin_of,
    row_key,
)
from pipeline.stores import parts, store
from pipeline.untrusted.archives import Unpacked


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


def table(folder, dim=2, name="face"):
    return Table(name, folder, {"extractor": "imported"}, dim, (("face/*.pickle",),))


def pickled(tmp_path, **files):
    made = {}
    for name, data in files.items():
        path = tmp_path / f"{name}.pickle"
        path.write_bytes(pickle.dumps(data, protocol=2))
        made[f"data/face/{name}.pickle"] = Unpacked(path, name * 8)
    return made


def bring(folder, members, videos=(), dim=2):
    origin = begin(table(folder, dim), "msrvtt", "x.tar", members)
    return import_features(table(folder, dim), origin, members, videos)


def row(folder, video):
    return store.rows(folder)[row_key("msrvtt", video)]


def values(folder, video, dim=2):
    return parts.read(folder, [row_key("msrvtt", video)], dim)[0].tolist()


def test_each_form_of_a_vector_becomes_a_row(tmp_path, folder):
    data = {
        "flat": np.array([1, 2], np.float16), "one": np.array([[3, 4]], np.float64), "more": np.ones((3, 2)),
        "nan": float("nan"), "row of nan": np.full(2, np.nan), "none": np.zeros((0, 2)),
        "broken": np.array([[1, np.nan]]), "huge": np.array([1e300, 0]),
    }  # fmt: skip
    origin = bring(folder, pickled(tmp_path, a=data), videos=["flat", "x/gone.mp4"])
    assert (values(folder, "flat"), values(folder, "one"), len(values(folder, "more"))) == ([[1, 2]], [[3, 4]], 3)
    for name in ("nan", "row of nan", "none", "gone"):
        assert (row(folder, name).count, row(folder, name).failed) == (0, False), name
    assert row(folder, "gone").reason == "not in x.tar"
    for name in ("broken", "huge"):
        assert row(folder, name).failed
        assert "not finite" in row(folder, name).reason
    assert (origin.present, origin.absent, origin.failed) == (3, 4, 2)
    assert origin_of(folder, "msrvtt") == origin or origin_of(folder, "msrvtt").finished


def test_files_of_several_aggregates_are_joined_along_the_vector(tmp_path, folder):
    members = pickled(
        tmp_path, avg={"a": np.array([[1.0, 2.0]]), "b": np.array([1.0, 1.0])}, max={"a": np.array([[3.0]])}
    )
    bring(folder, members, dim=3)
    assert values(folder, "a", 3) == [[1, 2, 3]]
    assert row(folder, "b").count == 0, "one of its files lacks it"


def test_vectors_of_another_length_name_file_video_and_expert(tmp_path, folder):
    with pytest.raises(ArchiveError, match=r"data/face/a\.pickle: v has vectors of length 5, expert face wants 2"):
        bring(folder, pickled(tmp_path, a={"v": np.ones(5)}))


@pytest.mark.parametrize(
    "data", [[1, 2], "text", {"v": np.ones((2, 2, 2))}, {"v": np.array(["a", "b"])}, {3: np.ones(2)}]
)
def test_what_is_no_table_of_vectors_is_told(tmp_path, folder, data):
    with pytest.raises(ArchiveError):
        bring(folder, pickled(tmp_path, a=data))
    assert not store.parts(folder)


def test_rows_are_named_by_collection_and_video_whatever_folder_and_suffix_it_has():
    assert (
        row_key("msrvtt", "video0") == row_key("msrvtt", "TestVideo/video0.mp4") == row_key("msrvtt", "video0.mov.mp4")
    )
    clip = "0001_American_Beauty_00.00.51.926-00.00.54.129"
    assert row_key("lsmdc", clip) == row_key("lsmdc", f"0001_American_Beauty/{clip}.avi")
    assert len({row_key("msrvtt", "video0"), row_key("msvd", "video0"), row_key("msrvtt", "video1")}) == 3


def test_the_first_alternative_that_is_there_whole_counts():
    files = (("text/train.pkl", "text/val.pkl"), ("text/all.pkl",), ("audio_*/v*.pickle",))
    assert find(files, ["d/text/train.pkl", "d/text/all.pkl"]) == ["d/text/all.pkl"]
    assert find(files, ["d/text/val.pkl", "d/text/train.pkl"]) == ["d/text/train.pkl", "d/text/val.pkl"]
    assert find(files, ["d/audio_25fps/vggish.pickle"]) == ["d/audio_25fps/vggish.pickle"]
    assert find(files, ["audio/vggish.pickle", "text/other.pkl"]) == []
    assert not fits("d/my-text/all.pkl", "text/all.pkl")


def test_captions_are_named_by_their_texts_and_paragraphs_joined(tmp_path, folder):
    tokens = {"v": [np.ones((2, 3)), 2 * np.ones((1, 3))], "w": [np.ones((1, 3))], "x": [np.ones((1, 3))] * 3}
    words = [Caption("a cat").key, Caption("a dog").key]
    keys = {"v": words, "w": [Caption("a bird").key], "x": words, "y": words}
    members = pickled(tmp_path, text=tokens)
    origin = begin(table(folder, 3), "msrvtt", "x.tar", members)
    import_texts(table(folder, 3), origin, members, keys)
    assert parts.read(folder, words, 3)[1].tolist() == [[2, 2, 2]]
    assert origin.notes == ["x: 3 captions in the features, 2 in the texts"]
    fused = tmp_path / "fused"
    whole = Caption("a cat a dog").key
    origin = begin(table(fused, 3), "msrvtt", "x.tar", members)
    import_texts(table(fused, 3), origin, members, {"v": [whole]})
    assert parts.read(fused, [whole], 3)[0].tolist() == [[1, 1, 1], [1, 1, 1], [2, 2, 2]]


def test_an_import_that_was_killed_goes_on_and_adds_only_what_is_missing(tmp_path, folder, monkeypatch):
    members = pickled(tmp_path, a={f"video{i}": np.array([i, i]) for i in range(10)})
    monkeypatch.setattr(feature_import, "ROWS_PER_PART", 4)
    real, calls = parts.publish, []

    def killed(*args):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(parts, "publish", killed)
    with pytest.raises(KeyboardInterrupt):
        bring(folder, members)
    assert not origin_of(folder, "msrvtt").finished
    monkeypatch.setattr(parts, "publish", real)
    bring(folder, members)
    assert len(store.rows(folder)) == 10
    assert sum(len(store.rows_of(part)) for part in store.parts(folder)) == 10
    assert values(folder, "video9") == [[9, 9]]


def test_absent_rows_can_be_added_later(folder):
    fill_absent(folder, 2, ["k1", "k2"])
    assert {key: one.count for key, one in store.rows(folder).items()} == {"k1": 0, "k2": 0}
