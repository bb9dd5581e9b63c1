import numpy as np
import pytest

from models.evaluation.bootstrap import interval
from models.fusion import nested
from models.fusion.lists import Examples
from tests.models.fusion import planted


@pytest.fixture(scope="module")
def told():
    return nested.fit(planted.examples(200))


def test_where_the_lists_tell_which_engine_is_right_the_selector_finds_it_on_new_queries(told):
    new = planted.examples(100, seed=1)
    assert told.gain is not None and told.gain.low > 0
    assert told.selector is not None
    by_base, by_selector = new.found(new.base), new.found(told.selector.weights(new.lists, new.base))
    low, _ = interval(by_selector - by_base, new.owners, 100)
    assert low > 0
    assert by_selector.mean() > 0.95, "the right engine alone finds all"


@pytest.mark.parametrize("seed", range(4))
def test_where_nothing_tells_it_the_base_weights_stay(seed):
    fitted = nested.fit(planted.examples(200, seed, telling=False))
    assert fitted.selector is None
    assert fitted.gain is not None and fitted.gain.low <= 0


def test_the_same_queries_give_the_same_selector(told):
    again = nested.fit(planted.examples(200))
    assert again.selector is not None and told.selector is not None
    assert again.selector.plain() == told.selector.plain()
    assert again.gain == told.gain


def test_the_gain_is_measured_on_queries_that_no_fold_of_it_has_seen():
    """Lists without any signal, in which each query is there five times: who looked at its twin would know it."""
    made = planted.examples(60, telling=False)
    rows = np.repeat(np.arange(60), 5)
    assert nested.fit(made.take(rows)).selector is None


def test_folds_keep_the_queries_of_a_video_together_and_hold_out_each_once():
    owners, rows = np.repeat(np.arange(30), 3), np.arange(90)
    held = []
    for inside, outside in nested._folds(owners, rows):
        assert not set(owners[inside]) & set(owners[outside])
        held += outside.tolist()
    assert sorted(held) == list(range(90))


def test_of_few_queries_or_videos_nothing_is_learned():
    few = planted.examples(nested.FEWEST - 1)
    assert nested.fit(few).facts() == {"used": False, "gain": None}
    made = planted.examples(200)
    assert nested.fit(Examples(made.lists, made.base, made.right, made.owners % 9)).gain is None
