import json

import pytest

from pipeline.errors import StoreError
from pipeline.stores import recipes
from search.index.folder import FACTS, current, publish, read_facts


@pytest.mark.parametrize("text", ["", "{", "[]", '{"dataset": "x", "root": "y", "modalities": {}, "entries": []}'])
def test_an_index_that_is_damaged_or_of_another_version_is_told_with_what_to_do(tmp_path, text):
    (tmp_path / FACTS).write_text(text, encoding="utf-8")
    with pytest.raises(StoreError, match="BuildIndex"):
        read_facts(tmp_path)


@pytest.mark.parametrize("text", ["", "{}", "[]", json.dumps({"index": "gone"})])
def test_a_pointer_that_leads_nowhere_is_no_index(tmp_path, text):
    (tmp_path / "current.json").write_text(text, encoding="utf-8")
    assert current(tmp_path) is None


def test_only_a_finished_index_is_opened(tmp_path):
    folder = tmp_path / "0123"
    folder.mkdir()
    publish(folder)
    assert current(tmp_path) is None
    recipes.write_recipe(folder, {"stage": "index"})
    assert current(tmp_path) == folder


def test_an_index_of_before_version_7_with_the_places_of_its_videos_and_weights_is_readable(tmp_path):
    old = {"dataset": "x", "root": "/videos", "modalities": {}, "num_videos": 0, "longest_s": 1.0, "seen": {}}
    weights = {"cache": "data/weights", "mirror": "", "offline": False, "seeded": True}
    (tmp_path / FACTS).write_text(json.dumps(old | {"examples": [], "weights": weights}), encoding="utf-8")
    facts = read_facts(tmp_path)
    assert (facts.dataset, facts.seeded, facts.encoders) == ("x", True, {})
