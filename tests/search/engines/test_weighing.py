from dataclasses import asdict, replace

import numpy as np
import pytest

from models.fusion.selector import Ridge, Selector, Settings
from models.fusion.shape import PER_ENGINE
from pipeline.errors import DamagedError
from search import config
from search.engines import weighing
from search.engines.fusion import Ranking, fuse
from search.engines.weighing import Weigher
from tests.search.small_collection import CONFIGS

SETTINGS = config.load(CONFIGS)
ENGINES = ("ce", "words")
RANKINGS = {
    "ce": Ranking({4: 0.9, 2: 0.5, 7: 0.5}),
    "words": Ranking({7: 3.0, 1: 2.0}, {7: 1.0, 1: 0.5}),
}


def selector(trusted: int = 0) -> Selector:
    """One that trusts one of the ENGINES, whatever is found."""
    features = len(ENGINES) * len(PER_ENGINE)
    towards = np.eye(len(ENGINES))[trusted]
    ridge = Ridge(np.zeros(features), np.ones(features), np.zeros((features, len(ENGINES))), towards)
    return Selector(ridge, Settings(0.3, 1.0, 0.1))


def saved(folder, fitted: Selector | None = None, settings=SETTINGS) -> Weigher:
    weighing.save(folder, settings, ENGINES, fitted, {"used": fitted is not None})
    return Weigher.open(folder, SETTINGS)


def test_the_lists_hold_the_scores_and_the_votes_that_the_fusion_counts():
    lists, rows = weighing.lists_of(RANKINGS, ENGINES, SETTINGS.fusion.offset, 20)
    assert rows == [1, 2, 4, 7]
    assert lists.scores[0] == pytest.approx(
        np.array([[np.nan, 0.5, 0.9, 0.5], [2.0, np.nan, np.nan, 3.0]]), nan_ok=True
    )
    fixed = weighing.base_weights(ENGINES, SETTINGS.fusion)
    totals = fuse(RANKINGS, SETTINGS.fusion)
    assert lists.fused(fixed[None])[0] == pytest.approx([totals[row] for row in rows])


def test_without_a_selector_the_weights_are_those_of_the_settings_exactly(tmp_path):
    for weigher in (Weigher.open(tmp_path, SETTINGS), saved(tmp_path)):
        found = weigher.weigh(RANKINGS, 20)
        assert not found.is_by_query
        assert found.fusion.weights == {"ce": 1.0, "words": 2.0}
        assert fuse(RANKINGS, found.fusion) == fuse(RANKINGS, SETTINGS.fusion)


def test_a_selector_is_read_from_the_index_and_weighs_the_engines_with_their_sum(tmp_path):
    found = saved(tmp_path, selector()).weigh(RANKINGS, 20)
    assert found.is_by_query
    assert sum(found.fusion.weights.values()) == pytest.approx(3.0)
    assert found.fusion.weights["ce"] > 2.9
    assert next(iter(fuse(RANKINGS, found.fusion))) == 4
    assert next(iter(fuse(RANKINGS, saved(tmp_path, selector(1)).weigh(RANKINGS, 20).fusion))) == 7


def test_where_one_engine_found_nothing_the_other_has_all(tmp_path):
    found = saved(tmp_path, selector()).weigh({"words": RANKINGS["words"]}, 20)
    assert found.fusion.weights == pytest.approx({"words": 2.0})
    assert saved(tmp_path, selector()).weigh({}, 20).fusion.weights == {}


def test_an_engine_that_the_selector_does_not_know_or_a_wish_leaves_the_weights_fixed(tmp_path):
    weigher = saved(tmp_path, selector())
    known = weigher.weigh(RANKINGS | {"people": Ranking({3: 1.0})}, 20)
    assert (known.is_by_query, known.fusion.weights["people"]) == (False, 1.0)
    assert not weigher.weigh(RANKINGS, 20, is_fixed=True).is_by_query


def test_a_selector_that_was_fitted_under_other_settings_is_not_used(tmp_path):
    other = replace(SETTINGS, fusion=replace(SETTINGS.fusion, offset=10))
    assert saved(tmp_path, selector(), other).selector is None
    assert saved(tmp_path, selector(), replace(SETTINGS, stop_words=frozenset())).selector is None
    assert saved(tmp_path, selector(), replace(SETTINGS, index=config.IndexSettings(5.0))).selector is not None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"selector": 1}', "{"])
def test_a_damaged_file_is_told_as_such(tmp_path, text):
    (tmp_path / weighing.FILE).write_text(text, encoding="utf-8")
    with pytest.raises(DamagedError, match=r"selector\.json"):
        Weigher.open(tmp_path, SETTINGS)


def test_an_index_is_of_the_settings_that_it_was_built_with():
    plain = {"settings": asdict(SETTINGS.index)}
    assert weighing.is_of(SETTINGS, plain)
    assert weighing.is_of(SETTINGS, plain | {"selector": weighing.recipe(SETTINGS)})
    assert not weighing.is_of(replace(SETTINGS, index=config.IndexSettings(5.0)), plain)
    other = replace(SETTINGS, fusion=replace(SETTINGS.fusion, offset=10))
    assert weighing.is_of(other, plain)
    assert not weighing.is_of(other, plain | {"selector": weighing.recipe(SETTINGS)})
