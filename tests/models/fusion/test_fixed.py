import dataclasses

import numpy as np
import pytest

from models.fusion.fixed import FEWEST, LEAST, Start, best_fixed, fixed_weights, tiled
from models.fusion.lists import Examples, Lists
from models.inputs.aligned import Aligned, Calibration
from models.zero_shot.aligned import fused
from tests.models.fusion import planted


def examples(strengths, count=120, seed=0, videos=40):
    """`count` queries, each of its own video: in each list the right one stands out by so many deviations."""
    chance = np.random.default_rng(seed)
    scores = chance.normal(size=(count, len(strengths), videos)).astype(np.float32)
    right = chance.integers(0, videos, count)
    scores[np.arange(count), :, right] += strengths
    lists = Lists(scores, scores, videos, True)
    return Examples(lists, np.ones((count, len(strengths))), right, np.arange(count))


def test_an_engine_that_says_nothing_has_hardly_a_weight():
    weights = fixed_weights(examples([3.0, 0.0, 3.0]))
    assert weights.sum() == pytest.approx(1)
    assert weights[1] < 0.2 * weights[[0, 2]].min()
    assert (weights >= LEAST * weights.max()).all(), "a video that it alone knows still has a score"


def test_what_is_found_with_them_is_more_on_new_queries_too():
    weights, new = fixed_weights(examples([3.0, 0.0, 0.0])), examples([3.0, 0.0, 0.0], seed=1)
    assert new.found(tiled(weights, new)).mean() > new.found(new.base).mean() + 0.1


@pytest.mark.parametrize("seed", range(4))
def test_where_all_are_as_good_the_weights_are_even_exactly(seed):
    found = fixed_weights(planted.examples(200, seed, telling=False))
    assert found.tolist() == [1 / 3] * 3


def test_of_few_videos_and_of_one_engine_the_weights_are_even():
    few = examples([3.0, 0.0], count=FEWEST - 1)
    assert best_fixed(few)[1] < 0.5
    assert fixed_weights(few).tolist() == [0.5, 0.5]
    assert fixed_weights(examples([3.0])).tolist() == [1.0]


def test_many_queries_of_a_few_videos_are_no_more_than_these_videos():
    made = examples([3.0, 0.0], count=400)
    assert fixed_weights(dataclasses.replace(made, owners=made.owners % 5)).tolist() == [0.5, 0.5]


def unit(values):
    return (values / np.linalg.norm(values, axis=-1, keepdims=True)).astype(np.float32)


def pairs(videos=60):
    """Two captions of each video: `good` knows them, `noise` does not, and it alone has the first five videos."""
    chance = np.random.default_rng(3)
    rows, owners = unit(chance.normal(size=(videos, 8))), np.repeat(np.arange(videos), 2)
    texts = unit(rows[owners] + 0.4 * chance.normal(size=(len(owners), 8)))
    noise = unit(chance.normal(size=(len(owners), 8)))
    there = np.arange(videos) > 4
    good = Aligned(rows * there[:, None], texts, there)
    return {"good": good, "noise": Aligned(rows, noise, np.ones(videos, bool))}, owners


def test_a_start_is_the_weighted_mean_of_calibrated_scores_of_the_experts_that_a_video_has():
    of, owners = pairs()
    start = Start.of(of, owners)
    assert not start.is_even and start.even().is_even
    assert start.weights["good"] > 5 * start.weights["noise"]
    found = fused(of, start.calibrations, start.weights)
    for name, pair in of.items():
        assert start.calibrations[name] == Calibration.of(pair, owners)
    for video in (0, 10):
        mean, total = np.zeros(len(owners)), 0.0
        for name, pair in of.items():
            if pair.present[video]:
                one, raw = start.calibrations[name], pair.texts @ pair.videos[video]
                mean += start.weights[name] * (raw - one.mean) * one.scale
                total += start.weights[name]
        assert found[:, video] == pytest.approx(mean / total, abs=1e-6)


def test_captions_in_any_order_and_videos_without_one_give_the_same_start():
    of, owners = pairs()
    more = {
        name: Aligned(np.concatenate([pair.videos, pair.videos[:1]]), pair.texts, np.append(pair.present, False))
        for name, pair in of.items()
    }
    assert Start.of(more, owners).weights == Start.of(of, owners).weights
    order = np.random.default_rng(0).permutation(len(owners))
    turned = {name: dataclasses.replace(pair, texts=pair.texts[order]) for name, pair in of.items()}
    assert Start.of(turned, owners[order]).weights == pytest.approx(Start.of(of, owners).weights)
