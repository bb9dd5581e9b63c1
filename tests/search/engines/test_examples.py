import numpy as np
import pytest

from search.engines.example_experts import Example
from search.engines.examples import KEEP, LEAST
from tests.search.example_collection import CLIPS


def everything(planted):
    return np.ones(len(planted.videos), np.bool_)


def test_the_score_is_the_weighted_mean_of_the_experts(planted):
    example = planted.examples.moment(planted.row("clip0.mp4"), 0.5, "")
    weights = {"rgb_light": 2.0, "audio_light": 0.5, "flow_light": 0.0, "face": 0.0}
    found = planted.examples.find(example, everything(planted), weights)
    for row, score in found.ranking.scores.items():
        parts = {
            name: planted.examples.features[name].scores(planted.examples.features[name].scale.unit(vectors))[row]
            for name, vectors in example.features.items()
        }
        assert score == pytest.approx((2.0 * parts["rgb_light"] + 0.5 * parts["audio_light"]) / 2.5, abs=1e-5)


def test_what_is_far_below_the_best_or_near_nothing_is_left_out(planted):
    example = planted.examples.moment(planted.row("clip2.mp4"), 0.5, "")
    found = planted.examples.find(example, everything(planted), {})
    scores = list(found.ranking.scores.values())
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] >= max(LEAST, KEEP * scores[0]) - 1e-6
    assert found.ranking.fits.sum() == len(scores) < len(CLIPS)


def test_only_what_is_allowed_is_found(planted):
    row = planted.row("clip2.mp4")
    allowed = everything(planted)
    allowed[row] = False
    found = planted.examples.find(planted.examples.moment(row, 0.5, ""), allowed, {})
    assert row not in found.ranking.scores


def test_an_expert_that_saw_nothing_of_a_video_has_no_share_and_counts_nothing(planted):
    example = planted.examples.moment(planted.row("clip0.mp4"), 0.5, "")
    found = planted.examples.find(example, everything(planted), {})
    without_face = planted.row("clip7.mp4")
    assert found.shares(without_face)["face"] is None
    assert found.parts["face"][without_face] == 0


def test_an_example_that_nobody_here_knows_finds_nothing(planted):
    unknown = Example("x", {"another expert": np.ones((1, 3), np.float32)})
    found = planted.examples.find(unknown, everything(planted), {})
    assert (dict(found.ranking.scores), found.ranking.fits.sum(), dict(found.parts)) == ({}, 0, {})


def test_moments_lie_where_the_vectors_are_nearest(planted):
    row = planted.row("clip1.mp4")
    found = planted.examples.find(planted.examples.moment(row, 2.9, ""), everything(planted), {})
    rgb = [moment for moment in found.moments(row, 3.0, "example") if moment.expert == "rgb_light"]
    assert any(moment.start_s <= 2.75 <= moment.end_s for moment in rgb)
    assert all(moment.engine == "example" and moment.end_s <= 3.0 for moment in rgb)
