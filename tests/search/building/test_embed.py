import numpy as np
import pytest

from pipeline.stores import parts, store
from pipeline.stores.parts import Features
from pipeline.stores.store import Row
from search import Collection
from search.building.embed import RECIPE
from tests.search import small_collection
from tests.search.building.index_builder import MORE_CLIPS, IndexBuilder


def vectors_of(collection: Collection) -> dict[str, list[np.ndarray]]:
    """Of each video: its vectors and what is present, then those of its moments, and when these are."""
    experts, found = collection.experts, {}
    starts_s, offsets = experts._moment_times
    for row, entry in enumerate(collection.videos):
        span = slice(offsets[row], offsets[row + 1])
        arrays = [experts.videos.present[row], *(of[row] for of in experts.videos.vectors), starts_s[span]]
        found[entry.video_id] = [*arrays, experts.moments.present[span], *(of[span] for of in experts.moments.vectors)]
    return found


def assert_same(mine: Collection, other: Collection) -> None:
    left, right = vectors_of(mine), vectors_of(other)
    assert left.keys() == right.keys()
    for name in left:
        for a, b in zip(left[name], right[name], strict=True):
            assert a.shape == b.shape
            assert a == pytest.approx(b, abs=1e-6)


def test_only_videos_that_are_new_go_through_the_network(builder, tmp_path_factory):
    first, before = builder.index("one", small_collection.CLIPS)
    assert first == len(small_collection.CLIPS)
    old = vectors_of(before)
    second, after = builder.index("two", MORE_CLIPS)
    assert second == len(MORE_CLIPS) - len(small_collection.CLIPS)
    alone = IndexBuilder(tmp_path_factory.mktemp("alone"))
    assert_same(after, alone.index("all", MORE_CLIPS)[1])
    new = vectors_of(after)
    for name, arrays in old.items():
        assert all(np.array_equal(a, b) for a, b in zip(arrays, new[name], strict=True))


def test_a_video_that_is_gone_is_gone_and_the_others_are_kept(builder, tmp_path_factory):
    builder.index("one", MORE_CLIPS)
    embedded, less = builder.index("two", MORE_CLIPS[1:6])
    assert embedded == 0
    assert_same(less, IndexBuilder(tmp_path_factory.mktemp("alone")).index("all", MORE_CLIPS[1:6])[1])


def test_a_block_holds_old_and_new_videos_in_their_order(builder, tmp_path_factory, monkeypatch):
    monkeypatch.setattr("search.building.embed.BLOCK_VIDEOS", 3)
    builder.index("one", MORE_CLIPS[::2])
    embedded, after = builder.index("two", MORE_CLIPS)
    assert embedded == len(MORE_CLIPS) - len(MORE_CLIPS[::2])
    assert_same(after, IndexBuilder(tmp_path_factory.mktemp("alone")).index("all", MORE_CLIPS)[1])


def test_a_video_whose_failed_expert_was_tried_again_is_embedded_again(builder):
    speech = builder.sources.stores["speech_light"]
    builder.index("one", MORE_CLIPS)
    (part,) = store.parts(speech)
    rows = [row for row in store.rows_of(part) if row.key != "meadow.mp4"]
    kept = [parts.read_features(speech, row.key) for row in rows]
    part.rename(part.with_name("gone"))
    times = np.array([[0.0, 1.0]])
    recognised = Features(np.ones((1, small_collection.DIM), np.float32), times, {"text": np.array(["birds"], np.str_)})
    parts.publish(speech, [*rows, Row("meadow.mp4", 1)], [*kept, recognised], small_collection.DIM)
    embedded, after = builder.index("two", MORE_CLIPS)
    assert embedded == 1
    assert after.experts.videos.present[after.row("meadow.mp4")].tolist() == [False, True, True]  # no sign is in it
    assert after.search("birds").hits[0].video_id == "meadow.mp4"


@pytest.mark.parametrize("what", ["network", "moments"])
def test_vectors_of_another_network_or_cut_are_not_taken(builder, what):
    builder.index("one", MORE_CLIPS)
    path = builder.parent / "one" / RECIPE
    recipe = path.read_text(encoding="utf-8")
    changed = recipe.replace('"network":"', '"network":"0') if what == "network" else recipe.replace("2.0", "1.0")
    assert changed != recipe
    path.write_text(changed, encoding="utf-8")
    assert builder.index("two", MORE_CLIPS)[0] == len(MORE_CLIPS)


def test_an_index_that_was_not_finished_is_not_taken(builder):
    builder.index("one", MORE_CLIPS)
    (builder.parent / "one" / "recipe.json").unlink()
    assert builder.index("two", MORE_CLIPS)[0] == len(MORE_CLIPS)
