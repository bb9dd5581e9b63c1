import numpy as np
import pytest
import torch

from extractors.text.hashed_words import EncoderParams, vectors
from extractors.text.tokens import tokens
from models.evaluation.evaluate import embed_videos
from models.inputs.batches import Collection as Split
from models.inputs.batches import Data
from models.networks.ce import score, shares
from models.training.checkpoint import load_model
from pipeline.stores import parts
from pipeline.stores.ragged import Ragged
from pipeline.weights.files import WeightOptions
from search.engines.experts import CALIBRATION, Experts, Scored
from search.engines.fusion import CANDIDATES
from tests.search import small_collection


def test_the_floor_is_what_validation_captions_reach(tiny):
    reached = tiny.experts.videos.scores(tiny.experts.query("somebody is running")).max()
    assert tiny.experts.floor(5, 0.9) == pytest.approx(float(reached))


def test_the_scores_are_those_of_the_model(tiny):
    network = load_model(tiny.root.parent / "run")
    store = tiny.root.parent / "store" / "features"
    keys = [entry.video_id for entry in tiny.videos]
    features = {expert.name: parts.read(store / expert.name, keys, expert.dim) for expert in network.experts}
    nothing = Ragged(np.zeros((0, small_collection.DIM), np.float32), np.zeros(1, np.int64))
    split = Split(network.experts, network.text_input, features, nothing, np.zeros(0, np.int64))
    videos = embed_videos(network, Data(split, torch.device("cpu"), trim=True))
    words = torch.from_numpy(vectors(tokens("pasta on a street"), EncoderParams()))[None]
    with torch.no_grad():
        text = network.embed_texts(words, torch.tensor([words.shape[1]]))
    query = tiny.experts.query("pasta on a street")
    assert tiny.experts.videos.scores(query) == pytest.approx(score(text, videos)[0].numpy(), abs=1e-6)
    for row in range(len(keys)):
        mine = [share or 0.0 for share in tiny.experts.videos.shares(query, row).values()]
        assert mine == pytest.approx(shares(text, videos)[0, row].tolist(), abs=1e-6)


def test_the_best_videos_are_those_of_the_highest_scores_among_the_allowed_ones(tiny):
    experts = tiny.experts
    query = experts.query("pasta on a street")
    scores, allowed = experts.videos.scores(query), np.arange(len(tiny.videos)) != 1
    expected = [int(row) for row in np.argsort(-scores, kind="stable") if row != 1]
    best = experts.scored(query, allowed, 3).best(3)
    assert list(best) == expected[:3]
    assert list(best.values()) == pytest.approx(scores[expected[:3]].tolist())
    assert list(experts.scored(query, np.ones(len(tiny.videos), bool)).best(99)) == [
        int(row) for row in np.argsort(-scores, kind="stable")
    ]


def test_the_floor_is_a_percentile_of_what_captions_reach_or_else_the_given_one(tiny, tmp_path):
    for reached, floor in (([0.1, 0.2, 0.3, 0.4, 0.5], 0.2), ([], 0.9)):
        np.save(tmp_path / CALIBRATION, np.array(reached, np.float32))
        assert Experts(tmp_path, tiny.facts, WeightOptions(tmp_path)).floor(25, 0.9) == pytest.approx(floor)


def test_the_best_second_is_the_start_of_the_best_moment(tiny):
    experts, row = tiny.experts, tiny.row("long/walk.mp4")
    query = experts.query("running")
    starts_s, offsets = experts._moment_times
    rows = np.arange(offsets[row], offsets[row + 1])
    assert len(rows) > 1
    assert experts.best_second(query, row) == starts_s[rows[experts.moments.scores(query)[rows].argmax()]]


def test_all_videos_above_the_floor_fit_and_the_best_of_them_are_ranked():
    scores = np.random.default_rng(0).permutation(np.linspace(0, 1, 4001)).astype(np.float32)
    ranking = Scored(np.arange(5000, 9001), scores, is_all=False).ranking(0.5, 10_000)
    assert ranking.fits.sum() == 2001
    assert ranking.fits[:5000].sum() == ranking.fits[9001:].sum() == 0
    assert list(ranking.scores) == (5000 + np.argsort(-scores)[:CANDIDATES]).tolist()
    assert not ranking.is_all
    assert not Scored(np.zeros(0, np.int64), np.zeros(0, np.float32), is_all=True).ranking(0.5, 9).scores
