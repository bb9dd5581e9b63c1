from dataclasses import replace

import numpy as np
import pytest

from pipeline.datasets.manifest import MISSING
from pipeline.errors import ConfigError, PipelineError
from pipeline.stores import parts
from pipeline.stores.parts import Features
from pipeline.stores.store import Row
from search.building import build
from search.config import IndexSettings
from search.engines.approximate import Approximate
from tests.search import small_collection
from tests.search.building.index_builder import MORE_CLIPS, IndexBuilder


def test_a_collection_in_which_nobody_sees_anything_can_be_opened(builder):
    none = [small_collection.Clip("empty.mp4", colour=(), duration_s=0.0)]
    lonely = IndexBuilder(builder.root / "lonely")
    keys = [Row("empty.mp4", 0)]
    for name, path in lonely.sources.stores.items():
        dim = 3 if name == "rgb_light" else small_collection.DIM
        parts.publish(path, keys, [Features(np.zeros((0, dim), np.float32), np.zeros((0, 2)))], dim)
    video = replace(lonely.sources.manifest.videos[0], video_id="empty.mp4", content="empty.mp4", captions=())
    lonely.sources = replace(lonely.sources, manifest=replace(lonely.sources.manifest, videos=(video,)))
    embedded, collection = lonely.index("one", none)
    assert embedded == 1
    assert collection.search("anything").reason


def test_a_large_collection_is_searched_through_candidates_with_the_same_answers(builder, monkeypatch):
    _, exact = builder.index("one", MORE_CLIPS)
    assert not (builder.parent / "one" / "approximate").exists()
    _, large = builder.index("two", MORE_CLIPS, IndexSettings(approximate_from=len(MORE_CLIPS)))
    assert (builder.parent / "two" / "approximate").is_dir()
    asked = []
    through = Approximate.candidates
    monkeypatch.setattr(Approximate, "candidates", lambda self, *rest: asked.append(1) or through(self, *rest))
    monkeypatch.setattr("search.engines.experts.MOST_EXACT", 0)
    for query in ("pasta in water", "a lighthouse", "somebody runs"):
        assert large.search(query) == exact.search(query)
    assert len(asked) == 3


def test_no_index_is_made_of_a_network_with_one_vector_for_all_experts(concatenating, tmp_path):
    with pytest.raises(ConfigError, match=r"a search index needs a vector of each expert.*gating: concat makes one"):
        build.build_index(
            small_collection.ingredients(tmp_path, *concatenating), IndexSettings(2.0, 200_000), tmp_path / "index", {}
        )


def test_videos_that_cannot_be_read_are_no_part_of_an_index_and_missing_files_are(builder):
    first, second, *others = builder.sources.manifest.videos
    listed = (replace(first, problem="damaged"), replace(second, problem=MISSING), *others)
    builder.sources = replace(builder.sources, manifest=replace(builder.sources.manifest, videos=listed))
    _, collection = builder.index("one", MORE_CLIPS, expected=len(MORE_CLIPS) - 1)
    names = {entry.video_id: entry.playable for entry in collection.videos}
    assert first.video_id not in names
    assert names[second.video_id] is False
    assert all(names[video.video_id] for video in others)


def test_a_dataset_without_a_readable_video_has_no_index(builder):
    listed = tuple(replace(video, problem="damaged") for video in builder.sources.manifest.videos)
    sources = replace(builder.sources, manifest=replace(builder.sources.manifest, videos=listed))
    made = small_collection.ingredients(builder.root, sources, builder.model)
    with pytest.raises(PipelineError, match="tiny: none of its videos can be read"):
        build.build_index(made, IndexSettings(), builder.parent / "one", {})
    assert not builder.parent.exists()


def test_an_index_that_fails_half_way_leaves_the_old_one_and_nothing_else(builder, monkeypatch):
    _, before = builder.index("one", MORE_CLIPS)
    monkeypatch.setattr(build.words, "write", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        builder.index("one", MORE_CLIPS)
    assert {path.name for path in builder.parent.iterdir()} == {"one", "current.json"}
    assert before.search("lighthouse").hits[0].video_id == "harbour.mp4"


def test_the_facts_are_counted_over_the_videos(builder):
    _, collection = builder.index("one", MORE_CLIPS)
    facts = collection.facts
    assert (facts.num_videos, facts.longest_s, facts.is_trained) == (len(MORE_CLIPS), 40.0, True)
    assert facts.seen["ocr_light"] == sum(bool(clip.sign) for clip in MORE_CLIPS)
    assert facts.seen["speech_light"] == sum(bool(clip.speech) for clip in MORE_CLIPS)
    assert facts.examples == tuple(clip.caption for clip in MORE_CLIPS if clip.caption and clip.split == "test")
