import numpy as np
import pytest

from pipeline.errors import DamagedError
from search.index import overview
from search.index.overview import FILE, MOST_NAMED, MOST_REASONS, OfExpert, Overview, Reason, reasons


def test_reasons_are_counted_and_the_most_frequent_comes_first():
    found = reasons([("a", "gone"), ("b", "no sound"), ("c", "gone"), ("d", "empty")])
    assert found == (Reason("gone", 2, ("a", "c")), Reason("empty", 1, ("d",)), Reason("no sound", 1, ("b",)))


def test_of_many_reasons_and_videos_the_first_are_named():
    found = reasons((f"v{number}", f"why {number % (MOST_REASONS + 5)}") for number in range(1000))
    assert len(found) == MOST_REASONS
    assert all(len(one.videos) == MOST_NAMED for one in found)
    assert found[0].num_videos == 1000 // (MOST_REASONS + 5)


def test_what_is_written_is_read(tmp_path):
    written = Overview(
        {"rgb": OfExpert(2, 1, 1, (Reason("<b>gone</b> ☂", 1, ("a",)),))}, (), (Reason("no file", 1, ("b",)),)
    )
    overview.write(tmp_path, written)
    assert overview.read(tmp_path) == written


def test_an_earlier_index_has_none_and_a_damaged_one_is_told(tmp_path):
    assert overview.read(tmp_path) is None
    (tmp_path / FILE).write_text('{"experts": 3}')
    with pytest.raises(DamagedError, match="BuildIndex makes it anew"):
        overview.read(tmp_path)


def test_vectors_are_kept_with_their_rows(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    overview.write_vectors(tmp_path, "rgb", [1, 5, 7], vectors)
    rows, read = overview.read_vectors(tmp_path, "rgb")
    assert rows.tolist() == [1, 5, 7]
    np.testing.assert_allclose(read, vectors, atol=2e-3)
    assert overview.read_vectors(tmp_path, "flow") is None
