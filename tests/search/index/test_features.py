import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.preprocessing import StandardScaler

from pipeline.stores import parts
from pipeline.stores.parts import Features as Stored
from pipeline.stores.parts import Reader
from pipeline.stores.store import Row
from search.index import features
from search.index.features import MOST_VECTORS, Features, Scale, few, few_times, save

RANDOM = np.random.default_rng(3)
DIM = 6


def stored(path, rows, boxes=False):
    """A store with a row for each array (n, D); returns its keys."""
    keys = [f"v{number}" for number in range(len(rows))]
    items = []
    for values in rows:
        starts = np.arange(len(values), dtype=np.float64)
        extras = {"box_px": np.full((len(values), 4), starts[:, None], np.float32)} if boxes and len(values) else {}
        items.append(Stored(values.astype(np.float32), np.stack([starts, starts + 1], 1), extras))
    parts.publish(path, [Row(key, len(values)) for key, values in zip(keys, rows, strict=True)], items, DIM)
    return keys


def written(tmp_path, rows, modality="rgb", boxes=False) -> Features:
    keys = stored(tmp_path / "store", rows, boxes)
    save(tmp_path, "look", modality, Reader(tmp_path / "store"), DIM, keys)
    return Features(tmp_path, "look")


def likes(rows, example):
    """The scores by their formula, with scikit-learn's scaler and cosine."""
    scaler = StandardScaler().fit(np.concatenate(rows))
    scaled = [scaler.transform(values) if len(values) else values for values in rows]
    wanted = scaler.transform(example)
    return [cosine_similarity(values, wanted).max(axis=0).mean() if len(values) else 0.0 for values in scaled]


def test_scores_are_cosines_of_standardised_vectors_and_a_video_without_any_scores_nothing(tmp_path):
    rows = [RANDOM.normal(5, 1, (count, DIM)) for count in (3, 1, 0, 4, 0)]
    index = written(tmp_path, rows)
    example = RANDOM.normal(5, 1, (2, DIM)).astype(np.float32)
    found = index.scores(index.scale.unit(example))
    np.testing.assert_allclose(found, likes(rows, example), atol=2e-3)
    assert found[2] == found[4] == 0


def test_raw_features_of_unlike_videos_are_told_apart(tmp_path):
    rows = [np.full((2, DIM), 100.0) + np.eye(DIM)[number] for number in range(DIM)]
    index = written(tmp_path, rows)
    found = index.scores(index.scale.unit(rows[2][:1].astype(np.float32)))
    assert found.argmax() == 2
    assert found[2] == pytest.approx(1, abs=1e-2)
    assert np.delete(found, 2).max() < 0


def test_the_vectors_come_back_as_the_extractor_gave_them(tmp_path):
    rows = [RANDOM.normal(0, 3, (count, DIM)) for count in (2, 5)]
    np.testing.assert_allclose(written(tmp_path, rows).raw(slice(None)), np.concatenate(rows), atol=2e-2)


def test_of_a_long_video_the_means_of_runs_are_kept_with_the_time_that_they_span(tmp_path):
    values = RANDOM.normal(0, 1, (3 * MOST_VECTORS, DIM))
    index = written(tmp_path, [values])
    assert index.units.shape == (MOST_VECTORS, DIM)
    np.testing.assert_allclose(index.raw(slice(None)), values.reshape(MOST_VECTORS, 3, DIM).mean(axis=1), atol=1e-2)
    np.testing.assert_array_equal(index.times_s[4], [12, 15])


def test_every_row_is_in_one_run_where_their_number_is_odd():
    counts = [few(np.ones((count, 1), np.float32), "rgb").shape[0] for count in (1, 32, 33, 65, 1000)]
    assert counts == [1, 32, 32, 32, 32]
    times = few_times(np.stack([np.arange(47.0), np.arange(1, 48.0)], 1), "rgb")
    assert times[0, 0] == 0
    assert times[-1, 1] == 47
    np.testing.assert_array_equal(times[1:, 0], times[:-1, 1])


def test_faces_are_never_mixed(tmp_path):
    values = RANDOM.normal(0, 1, (100, DIM))
    index = written(tmp_path, [values, values[:2]], modality="face", boxes=True)
    kept = index.raw(index.span(0))
    nearest = np.abs(kept[:, None] - values[None]).max(axis=2).min(axis=1)
    assert nearest.max() < 1e-2, "each is one of the rows"
    np.testing.assert_array_equal(index.boxes_px[:MOST_VECTORS, 0], index.times_s[:MOST_VECTORS, 0])


def test_without_boxes_there_are_none(tmp_path):
    assert written(tmp_path, [RANDOM.normal(0, 1, (3, DIM))], modality="face").boxes_px is None


def test_the_moment_is_what_was_there_at_the_second_or_else_the_nearest(tmp_path):
    rows = [RANDOM.normal(0, 1, (4, DIM)), np.zeros((0, DIM))]
    index = written(tmp_path, rows)
    np.testing.assert_allclose(index.at(0, 2.5), rows[0][2:3], atol=1e-2)
    np.testing.assert_allclose(index.at(0, 99), rows[0][3:], atol=1e-2)
    np.testing.assert_allclose(index.at(0, 2.0), rows[0][1:3], atol=1e-2, err_msg="at a border both")
    assert index.at(1, 0.0).shape == (0, DIM)


def test_the_best_second_is_that_of_the_nearest_vector(tmp_path):
    rows = [RANDOM.normal(0, 1, (5, DIM)), np.zeros((0, DIM))]
    index = written(tmp_path, rows)
    assert index.best_second(index.scale.unit(rows[0][3:4].astype(np.float32)), 0) == 3
    assert index.best_second(index.scale.unit(rows[0][3:4].astype(np.float32)), 1) == 0


def test_blocks_do_not_matter(tmp_path, monkeypatch):
    rows = [RANDOM.normal(0, 1, (count, DIM)) for count in (3, 0, 2, 1, 4, 0, 0, 2)]
    whole = written(tmp_path / "a", rows)
    monkeypatch.setattr(features, "BLOCK_VIDEOS", 3)
    cut = written(tmp_path / "b", rows)
    example = whole.scale.unit(rows[0].astype(np.float32))
    np.testing.assert_allclose(cut.scores(example), whole.scores(example), atol=1e-5)


@pytest.mark.parametrize("values", [np.zeros((0, 3)), np.ones((5, 3)), np.zeros((1, 3))])
def test_vectors_that_do_not_differ_are_like_nothing(values):
    scale = Scale.of(values.astype(np.float32))
    assert np.isfinite(scale.unit(np.ones((1, 3), np.float32))).all()
    np.testing.assert_array_equal(scale.unit(values.astype(np.float32)), np.zeros_like(values))


def test_a_number_that_hardly_varies_does_not_outweigh_the_others():
    values = np.stack([np.linspace(-1, 1, 50), np.linspace(-1, 1, 50) ** 2, np.r_[np.zeros(49), 1e-6]], 1)
    unit = Scale.of(values.astype(np.float32)).unit(np.array([[1, 1, 1e-4]], np.float32))
    assert abs(unit[0, 2]) < 0.01


def test_long_and_short_videos_of_a_block_have_the_vectors_that_each_has_alone(tmp_path, monkeypatch):
    rows = [RANDOM.normal(5, 1, (count, DIM)) for count in (3, MOST_VECTORS + 9, 0, MOST_VECTORS, 5)]
    monkeypatch.setattr(features, "BLOCK_VIDEOS", 3)
    index = written(tmp_path, rows)
    for row, values in enumerate(rows):
        vectors = few(values.astype(np.float32), "rgb")
        np.testing.assert_array_equal(index.units[index.span(row)], index.scale.unit(vectors).astype(np.float16))
        assert len(index.times_s[index.span(row)]) == len(vectors)
