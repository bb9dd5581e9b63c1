import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.neighbors import NearestNeighbors

from pipeline.errors import DecodeError
from search.pages import collection_map
from search.pages.collection_map import MOST_TSNE, Projection, map_of, placed


def alike(places: np.ndarray, groups: np.ndarray) -> float:
    """The share of videos whose nearest neighbour on the map is of their group."""
    _, nearest = NearestNeighbors(n_neighbors=2).fit(places).kneighbors(places)
    return float((groups[nearest[:, 1]] == groups).mean())


@pytest.mark.parametrize("count", [60, MOST_TSNE + 1])
def test_videos_that_are_alike_are_near_to_each_other(count):
    vectors, groups = make_blobs(count, n_features=30, centers=3, random_state=1)
    places, how = placed(vectors.astype(np.float32))
    assert alike(places, groups) > 0.95
    assert ("t-SNE" in how) == (count <= MOST_TSNE)
    assert places.min() >= 0 and places.max() <= 1
    assert np.ptp(places, axis=0).max() == pytest.approx(1)


def test_the_same_vectors_give_the_same_map():
    vectors, _ = make_blobs(40, n_features=10, random_state=2)
    np.testing.assert_array_equal(placed(vectors.astype(np.float32))[0], placed(vectors.astype(np.float32))[0])


@pytest.mark.parametrize("vectors", [np.zeros((1, 5)), np.zeros((2, 5)), np.ones((12, 5)), np.ones((3, 1)), np.eye(2)])
def test_few_or_equal_vectors_have_places_too(vectors):
    places, _ = placed(vectors.astype(np.float32))
    assert places.shape == (len(vectors), 2)
    assert np.isfinite(places).all() and places.min() >= 0 and places.max() <= 1


def test_a_map_is_kept_and_a_damaged_copy_is_made_anew(tiny, tmp_path, monkeypatch):
    job = Projection(tiny.folder, "rgb_light", tmp_path / "maps")
    first = job()
    assert first[0] == list(range(len(tiny.videos)))
    (kept,) = (tmp_path / "maps").iterdir()
    with monkeypatch.context() as patch:
        patch.setattr(collection_map, "read_vectors", lambda *_: pytest.fail("made again"))
        assert Projection(tiny.folder, "rgb_light", tmp_path / "maps")()[1] == first[1]
    kept.write_text("[")
    assert job()[1] == first[1]


def test_an_expert_without_vectors_has_no_map(tiny):
    with pytest.raises(DecodeError, match="no vectors of this expert"):
        Projection(tiny.folder, "other", None)()


def test_a_map_names_each_video_with_its_still(tiny):
    told = map_of(tiny, "speech_light", None)
    spoken = {"kitchen.mp4", "harbour.mp4", "long/walk.mp4"}
    assert spoken <= {dot.video_id for dot in told.dots}
    assert len(told.dots) == told.num_videos == tiny.facts.seen["speech_light"]
    assert all(dot.key == tiny.entry(dot.video_id).key for dot in told.dots)
