from dataclasses import replace

import numpy as np
import pytest

from pipeline.stores import parts, store
from pipeline.stores.parts import Features
from pipeline.stores.store import Row
from search import Collection, config
from search.building import build
from search.building.embed import RECIPE
from search.config import IndexSettings
from search.engines.approximate import Approximate
from search.index import folder
from tests.search import small_collection

MORE = [
    *small_collection.CLIPS,
    small_collection.Clip("a first.mp4", said={"early": 1.0}),
    small_collection.Clip("nothing.mp4", colour=(0, 0, 0)),
]


class Made:
    """Stores of more videos than an index is made of, and the indexes that are made."""

    def __init__(self, root) -> None:
        self.root = root
        self.sources, self.model = small_collection.trained(root, MORE)
        self.parent = root / "store" / "index" / "tiny"

    def index(self, name: str, clips, settings: IndexSettings | None = None) -> tuple[int, Collection]:
        """(videos that went through the network, the index of `clips`)."""
        chosen = {clip.name for clip in clips}
        videos = tuple(video for video in self.sources.manifest.videos if video.video_id in chosen)
        sources = replace(self.sources, manifest=replace(self.sources.manifest, videos=videos))
        made_from = small_collection.ingredients(self.root, sources, self.model)
        built = build.build_index(
            made_from, settings or IndexSettings(), self.parent / name, {"stage": "index", "of": name}
        )
        folder.publish(self.parent / name)
        assert built.num_videos == len(clips)
        return built.num_embedded, Collection.open("tiny", self.root, small_collection.CONFIGS)


@pytest.fixture
def made(tmp_path) -> Made:
    return Made(tmp_path)


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


def test_only_videos_that_are_new_go_through_the_network(made, tmp_path_factory):
    first, before = made.index("one", small_collection.CLIPS)
    assert first == len(small_collection.CLIPS)
    old = vectors_of(before)
    second, after = made.index("two", MORE)
    assert second == len(MORE) - len(small_collection.CLIPS)
    alone = Made(tmp_path_factory.mktemp("alone"))
    assert_same(after, alone.index("all", MORE)[1])
    new = vectors_of(after)
    for name, arrays in old.items():
        assert all(np.array_equal(a, b) for a, b in zip(arrays, new[name], strict=True))


def test_a_video_that_is_gone_is_gone_and_the_others_are_kept(made, tmp_path_factory):
    made.index("one", MORE)
    embedded, less = made.index("two", MORE[1:6])
    assert embedded == 0
    assert_same(less, Made(tmp_path_factory.mktemp("alone")).index("all", MORE[1:6])[1])


def test_a_block_holds_old_and_new_videos_in_their_order(made, tmp_path_factory, monkeypatch):
    monkeypatch.setattr("search.building.embed.BLOCK_VIDEOS", 3)
    made.index("one", MORE[::2])
    embedded, after = made.index("two", MORE)
    assert embedded == len(MORE) - len(MORE[::2])
    assert_same(after, Made(tmp_path_factory.mktemp("alone")).index("all", MORE)[1])


def test_a_video_whose_failed_expert_was_tried_again_is_embedded_again(made):
    speech = made.sources.stores["speech_light"]
    made.index("one", MORE)
    (part,) = store.parts(speech)
    rows = [row for row in store.rows_of(part) if row.key != "meadow.mp4"]
    kept = [parts.read_features(speech, row.key) for row in rows]
    part.rename(part.with_name("gone"))
    times = np.array([[0.0, 1.0]])
    heard = Features(np.ones((1, small_collection.DIM), np.float32), times, {"text": np.array(["birds"], np.str_)})
    parts.publish(speech, [*rows, Row("meadow.mp4", 1)], [*kept, heard], small_collection.DIM)
    embedded, after = made.index("two", MORE)
    assert embedded == 1
    assert after.experts.videos.present[after.row("meadow.mp4")].tolist() == [False, True, True]  # no sign is in it
    assert after.search("birds").hits[0].video_id == "meadow.mp4"


@pytest.mark.parametrize("what", ["network", "moments"])
def test_vectors_of_another_network_or_cut_are_not_taken(made, what):
    made.index("one", MORE)
    path = made.parent / "one" / RECIPE
    told = path.read_text(encoding="utf-8")
    changed = told.replace('"network":"', '"network":"0') if what == "network" else told.replace("2.0", "1.0")
    assert changed != told
    path.write_text(changed, encoding="utf-8")
    assert made.index("two", MORE)[0] == len(MORE)


def test_an_index_that_was_not_finished_is_not_taken(made):
    made.index("one", MORE)
    (made.parent / "one" / "recipe.json").unlink()
    assert made.index("two", MORE)[0] == len(MORE)


def test_a_collection_in_which_nobody_sees_anything_can_be_opened(made):
    none = [small_collection.Clip("empty.mp4", colour=(), duration_s=0.0)]
    lonely = Made(made.root / "lonely")
    keys = [Row("empty.mp4", 0)]
    for name, path in lonely.sources.stores.items():
        dim = 3 if name == "rgb_light" else small_collection.DIM
        parts.publish(path, keys, [Features(np.zeros((0, dim), np.float32), np.zeros((0, 2)))], dim)
    video = replace(lonely.sources.manifest.videos[0], video_id="empty.mp4", content="empty.mp4", captions=())
    lonely.sources = replace(lonely.sources, manifest=replace(lonely.sources.manifest, videos=(video,)))
    embedded, collection = lonely.index("one", none)
    assert embedded == 1
    assert collection.search("anything").reason


def test_a_large_collection_is_searched_through_candidates_with_the_same_answers(made, monkeypatch):
    _, exact = made.index("one", MORE)
    assert not (made.parent / "one" / "approximate").exists()
    _, large = made.index("two", MORE, IndexSettings(approximate_from=len(MORE)))
    assert (made.parent / "two" / "approximate").is_dir()
    asked = []
    through = Approximate.candidates
    monkeypatch.setattr(Approximate, "candidates", lambda self, *rest: asked.append(1) or through(self, *rest))
    monkeypatch.setattr("search.engines.experts.MOST_EXACT", 0)
    for query in ("pasta in water", "a lighthouse", "somebody runs"):
        assert large.search(query) == exact.search(query)
    assert len(asked) == 3


def test_a_million_videos_are_many_by_default():
    assert config.load(small_collection.CONFIGS).index.approximate_from <= 200_000
