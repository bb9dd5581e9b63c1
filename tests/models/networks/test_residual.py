import dataclasses

import numpy as np
import pytest
import torch

from models.architecture import Architecture
from models.inputs.aligned import Aligned, Calibration
from models.network_inputs import AlignedInput, ExpertInput, TextInput
from models.networks.ce import CE, score, shares
from models.networks.residual import Residual, network
from models.zero_shot.aligned import fused
from pipeline.errors import ConfigError

EXPERTS = [
    ExpertInput("clip", 6),
    ExpertInput("labels", 5),
    ExpertInput("sound", 4),
    ExpertInput("words", 3, "vlad", 2, 3),
]
ALIGNED = [AlignedInput("clip", 6), AlignedInput("labels", 9, 0.05)]
TEXT = TextInput(7, 2, 1, 4)
SETTINGS = Architecture(8, "sequential", "mish", batch_norm=True, mask_padding=True, head="residual")
CALIBRATIONS = {"clip": Calibration(0.2, 0.25), "labels": Calibration(0.01, 0.3)}


def made(settings=SETTINGS, calibrations=CALIBRATIONS):
    torch.manual_seed(0)
    model = network(EXPERTS, TEXT, settings, ALIGNED)
    for name, one in calibrations.items():
        model.calibrate(name, one.mean, one.scale)
    return model.eval()


def inputs(videos=6, captions=5):
    """Features and frozen vectors; clip lacks video 1, labels 2, sound 3; both aligned ones lack 4, and all lack 5."""
    generator = torch.Generator().manual_seed(1)

    def normal(*shape):
        return torch.randn(*shape, generator=generator)

    there = {name: torch.ones(videos) for name in ("clip", "labels", "sound", "words")}
    for name, missing in (("clip", [1, 4, 5]), ("labels", [2, 4, 5]), ("sound", [3, 5]), ("words", [5])):
        there[name][missing] = 0
    features = {
        one.name: normal(videos, 3, one.dim) if one.pool == "vlad" else normal(videos, one.dim) for one in EXPERTS
    }
    counts = {"words": torch.full((videos,), 3)}
    of_videos = {one.name: torch.nn.functional.normalize(normal(videos, one.dim)) for one in ALIGNED}
    of_texts = {one.name: torch.nn.functional.normalize(normal(captions, one.dim)) for one in ALIGNED}
    return (features, there, counts, of_videos), (normal(captions, 4, 7), torch.full((captions,), 4), of_texts)


def frozen(videos, texts, weights=None):
    pairs = {
        name: Aligned(videos[3][name].numpy(), texts[2][name].numpy(), videos[1][name].numpy() > 0)
        for name in CALIBRATIONS
    }
    return fused(pairs, CALIBRATIONS, weights)


def moved(model):
    """The model after a training: all that starts at 0 is something else."""
    torch.manual_seed(2)
    for layer in (model.gates, model.shares):
        torch.nn.init.normal_(layer.weight)
        torch.nn.init.normal_(layer.bias)
    return model


@pytest.mark.parametrize("gating", ["sequential", "parallel", "moee", "none", "triplet", "star"])
@pytest.mark.parametrize("head", ["residual", "zero_shot"])
def test_the_first_scores_are_those_of_the_untrained_fusion(gating, head):
    videos, texts = inputs()
    model = made(dataclasses.replace(SETTINGS, gating=gating, head=head))
    found = score(model.embed_texts(*texts), model.embed_videos(*videos)).detach().numpy()
    assert found[:, :5] == pytest.approx(frozen(videos, texts)[:, :5], abs=1e-7)
    assert (found[:, 5] <= found.min()).all(), "a video that nobody saw is below all others"


@pytest.mark.parametrize("clip", [0.5, 0.03, 0.999])
def test_the_first_scores_are_those_of_the_fixed_weights_that_it_is_given(clip):
    videos, texts = inputs()
    weights = {"clip": clip, "labels": 1 - clip}
    model = made()
    model.weigh(weights)
    found = score(model.embed_texts(*texts), model.embed_videos(*videos)).detach().numpy()
    assert found[:, :5] == pytest.approx(frozen(videos, texts, weights)[:, :5], abs=1e-7)


def test_a_video_that_only_others_saw_stands_where_wrong_pairs_stand_and_is_then_corrected():
    videos, texts = inputs()
    first = score(made().embed_texts(*texts), made().embed_videos(*videos))
    assert not first[:, 4].any()
    model = moved(made())
    assert score(model.embed_texts(*texts), model.embed_videos(*videos))[:, 4].all()


def test_a_trained_score_is_the_weighted_mean_of_aligned_experts_and_the_gated_products_of_all():
    """Written out from the network's own layers, one caption and one video at a time."""
    videos, texts = inputs()
    model = moved(made())
    learned, pooled = CE.embed_videos(model, *videos[:3]), model.text_pool(texts[0], texts[1])
    found = score(model.embed_texts(*texts), model.embed_videos(*videos)).detach().numpy()
    gates, weights = model.gates(pooled), model.shares(pooled).softmax(1)
    for caption in range(5):
        for video in range(5):
            total, mean = 0.0, 0.0
            for index, expert in enumerate(model.experts):
                if not videos[1][expert.name][video]:
                    continue
                own = model.text[index](pooled)[caption] @ learned.vectors[index][video] * gates[caption, index]
                if expert.name in CALIBRATIONS:
                    place, one = list(CALIBRATIONS).index(expert.name), CALIBRATIONS[expert.name]
                    raw = texts[2][expert.name][caption] @ videos[3][expert.name][video]
                    mean += weights[caption, place] * (own + (raw - one.mean) * one.scale)
                    total += weights[caption, place]
                else:
                    mean += own
            expected = mean / total if total else mean
            assert found[caption, video] == pytest.approx(expected.item(), abs=1e-5)


def test_what_each_expert_adds_sums_to_the_score():
    videos, texts = inputs()
    model = moved(made())
    of_texts, of_videos = model.embed_texts(*texts), model.embed_videos(*videos)
    parts = shares(of_texts, of_videos)
    assert torch.allclose(parts.sum(2)[:, :5], score(of_texts, of_videos)[:, :5], atol=1e-5)
    assert not parts[:, 1, 0].any() and not parts[:, 3, 2].any(), "an expert that the video lacks adds nothing"


def test_all_gates_are_moved_by_the_first_step():
    videos, texts = inputs()
    model = made().train()
    score(model.embed_texts(*texts), model.embed_videos(*videos)).square().sum().backward()
    assert model.gates.weight.grad.abs().sum(1).all()
    assert model.shares.weight.grad.abs().sum(1).all()


def test_parts_of_a_collection_are_scored_as_all_of_it():
    videos, texts = inputs()
    model = moved(made())
    rows = torch.tensor([4, 0, 2])
    whole = model.embed_videos(*videos)
    joined = type(whole).join([whole.take(rows[:1]), whole.take(rows[1:])])
    of_texts = model.embed_texts(*texts)
    torch.testing.assert_close(score(of_texts, joined), score(of_texts, whole)[:, rows])


def test_two_videos_are_compared_as_if_there_were_no_constant():
    videos, _ = inputs()
    vectors = made().embed_videos(*videos).vectors[0]
    plain = torch.cat([videos[3]["clip"], vectors[:, 7:]], 1)
    assert (vectors @ vectors.T - plain @ plain.T).abs().max() < 1e-3


def test_uniform_weights_stay_equal():
    assert made(dataclasses.replace(SETTINGS, mixture="uniform")).shares is None


@pytest.mark.parametrize(
    ("aligned", "gating", "told"),
    [
        ([], "sequential", "starts from experts that are aligned with text, and of clip, labels, sound, words none is"),
        (ALIGNED, "concat", "architecture.head: residual needs a vector of each expert"),
    ],
)
def test_a_head_without_anything_to_start_from_is_told(aligned, gating, told):
    with pytest.raises(ConfigError, match=told):
        network(EXPERTS, TEXT, dataclasses.replace(SETTINGS, gating=gating), aligned)


def test_other_heads_are_collaborative_experts():
    assert type(network(EXPERTS, TEXT, dataclasses.replace(SETTINGS, head="learned"))) is CE
    assert type(made()) is Residual
    assert np.isfinite(made().mean.numpy()).all()
