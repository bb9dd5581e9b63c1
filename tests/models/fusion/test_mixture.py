import numpy as np
import pytest
import torch

from models.config import Architecture
from models.evaluation.evaluate import similarities
from models.fusion import mixture
from models.fusion.mixture import Embedded, fit_mixture, selected_scores
from models.inputs.batches import Collection
from models.network_inputs import ExpertInput, TextInput
from models.networks.ce import CE, UNSEEN, score
from pipeline.stores.ragged import Ragged
from tests.models.networks import test_residual

DIM, EXPERTS = 16, 3


def network() -> CE:
    """A network that passes each vector on as it is, of length 1: projections do nothing, gates are half open."""
    experts = [ExpertInput(f"expert{number}", DIM) for number in range(EXPERTS)]
    model = CE(experts, TextInput(DIM, 0, 0, 1), Architecture(DIM, "none", "mish", batch_norm=True, mask_padding=True))
    for name, value in model.named_parameters():
        is_projection = value.shape == (DIM, DIM) and "gate" not in name
        value.data = torch.eye(DIM) if is_projection else torch.zeros_like(value)
    return model.eval()


def split(model: CE, num_videos: int, seed: int, telling: bool = True) -> Collection:
    """Random captions; of each video one expert has the caption's own vector, nearly, and the others have noise.

    Which one it is changes from video to video; not `telling`: all have it, with as much noise. One video in ten lacks
    an expert, and the first one has none.
    """
    chance = np.random.default_rng(seed)
    texts = chance.normal(size=(num_videos, DIM)).astype(np.float32)
    features = chance.normal(size=(EXPERTS, num_videos, DIM)).astype(np.float32)
    best = chance.integers(0, EXPERTS, num_videos)
    for expert in range(EXPERTS):
        rows = best == expert if telling else slice(None)
        features[expert, rows] = texts[rows] + features[expert, rows]
    there = chance.random((EXPERTS, num_videos)) > 0.1
    there[:, 0] = False
    rows = {
        expert.name: Ragged.stack([features[at, v : v + there[at, v]] for v in range(num_videos)], DIM)
        for at, expert in enumerate(model.experts)
    }
    tokens = Ragged.stack(list(texts[:, None]), DIM)
    return Collection(model.experts, model.text_input, rows, tokens, np.arange(num_videos))


@pytest.fixture(scope="module")
def model():
    return network()


def test_the_lists_with_the_networks_own_weights_are_its_scores(model):
    made = split(model, 30, 0, telling=False)
    embedded, rows = Embedded.of(model, made), np.array([3, 7, 29])
    fused = embedded.lists(rows).fused(embedded.base(rows))
    own = similarities(model, made)[rows]
    assert np.isneginf(fused[:, 0]).all() and (own[:, 0] == UNSEEN).all(), "a video that no expert knows"
    assert np.allclose(fused[:, 1:], own[:, 1:], atol=1e-6)


def test_of_a_network_that_starts_from_frozen_scores_aligned_experts_are_weighed_and_the_others_added():
    videos, texts = test_residual.inputs()
    network = test_residual.moved(test_residual.made())
    with torch.no_grad():
        embedded = Embedded(network.embed_texts(*texts), network.embed_videos(*videos))
        own = score(embedded.texts, embedded.videos).numpy()
    rows = np.array([4, 1])
    lists = embedded.lists(rows)
    fused = lists.fused(embedded.base(rows))
    assert lists.scores.shape == (2, 2, 6), "of four experts two are aligned with text"
    assert np.isneginf(fused[:, 5]).all() and not lists.unknown[:, 4].any(), "that only others saw is known"
    assert np.allclose(fused[:, :5], own[rows, :5], atol=1e-6)
    assert np.allclose(lists.take(np.array([1])).fused(embedded.base(rows)[1:]), fused[1:], equal_nan=True)


def test_weights_by_score_lists_find_more_where_another_expert_is_right_each_time(model):
    fitted = fit_mixture(model, split(model, 150, 1))
    assert fitted.selector is not None
    new = split(model, 80, 2)
    scores, own = selected_scores(model, new, fitted.selector), similarities(model, new)
    assert (scores[:, 0] == UNSEEN).all()
    first = [np.mean(one.argmax(1) == np.arange(80)) for one in (scores, own)]
    assert first[0] > first[1] + 0.1


def test_without_signal_there_is_no_selector(model):
    assert fit_mixture(model, split(model, 150, 3, telling=False)).selector is None


def test_the_gallery_and_the_captions_of_the_fitting_are_bounded(model, monkeypatch):
    monkeypatch.setattr(mixture, "MOST_VIDEOS", 90)
    monkeypatch.setattr(mixture, "MOST_CAPTIONS", 70)
    asked = []
    monkeypatch.setattr(mixture, "fit", asked.append)
    fit_mixture(model, split(model, 150, 3, telling=False))
    (examples,) = asked
    assert examples.lists.scores.shape == (70, EXPERTS, 90)
    assert (examples.right[1:] >= 0).all() and examples.right[0] == -1, "no expert knows the first video"
