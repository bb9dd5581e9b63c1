import dataclasses

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from models.architecture import Architecture
from models.network_inputs import ExpertInput, TextInput
from models.networks.ce import CE, UNSEEN, Embeddings, score, shares
from models.released.load import renamed
from models.training.losses import max_margin
from models.training.optim import RULES, Optimizer
from pipeline.errors import ConfigError
from tests.models import reference_cases

NAMES = ["ce_all_available", "ce_pairwise_7exp", "ce_nogating_mimic_7exp", "moee_7exp"]

EXPERTS = (ExpertInput("rgb", 6), ExpertInput("audio", 4, "vlad", 3, 5), ExpertInput("face", 5))
TEXT = TextInput(7, 2, 1, 4)
SETTINGS = Architecture(
    shared_dim=8, gating="sequential", activation="mish", batch_norm=True, mask_padding=True, standardise=True
)
GATINGS = ["sequential", "parallel", "triplet", "star", "none", "moee", "concat", "concat_mix"]


@pytest.fixture(params=NAMES)
def case(request):
    return reference_cases.load(f"{request.param}.npz")


def test_scores_in_evaluation_mode_are_those_of_the_original(case):
    scores = reference_cases.network(case).similarity(*reference_cases.inputs(case, "eval"))
    np.testing.assert_allclose(scores, case.arrays["eval/out/sims"], rtol=0, atol=2e-6)


def test_embeddings_are_those_of_the_original(case):
    model = reference_cases.network(case)
    experts, available, text = reference_cases.inputs(case, "eval")
    videos, texts = model.embed_videos(experts, available), model.embed_texts(text.flatten(0, 1))
    for index, expert in enumerate(model.experts):
        expected = case.arrays[f"eval/out/text_embd/{expert.name}"]
        np.testing.assert_allclose(texts.vectors[index].detach(), expected.reshape(len(texts), -1), rtol=0, atol=2e-6)
        expected = case.arrays[f"eval/out/vid_embd/{expert.name}"]
        np.testing.assert_allclose(videos.vectors[index].detach(), expected, rtol=0, atol=2e-6)
    expected = case.arrays["eval/out/moe_weights_raw"]
    np.testing.assert_allclose(texts.weights.detach(), expected.reshape(len(texts), -1), rtol=0, atol=2e-6)


def test_a_training_pass_gives_the_scores_losses_and_running_statistics_of_the_original(case):
    model = reference_cases.network(case).train()
    scores = model(*reference_cases.inputs(case, "train"))
    np.testing.assert_allclose(scores.detach(), case.arrays["train/out/sims"], rtol=0, atol=5e-6)
    margin = case.meta["margin"]
    assert max_margin(scores, margin).item() == pytest.approx(float(case.arrays["train/out/loss"]), abs=1e-6)
    unfixed = max_margin(scores, margin, fix_norm=False).item()
    assert unfixed == pytest.approx(float(case.arrays["train/out/loss_no_fix_norm"]), abs=1e-6)
    ours = dict(model.named_buffers())
    expected = _renamed(model, case.part("train/buffers_after"))
    assert expected
    for name, value in expected.items():
        np.testing.assert_allclose(ours[name], value, rtol=0, atol=1e-5, err_msg=name)


def test_gradients_have_the_size_and_sum_of_the_original(case):
    model = _after_backward(case)
    expected = case.meta["grad_norm_sum"]
    ours = _renamed(model, {name: torch.zeros(1) for name in expected})
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    assert gradients.keys() == ours.keys()
    assert sum(p.numel() for p in model.parameters()) == case.meta["num_params"]
    for (name, facts), our_name in zip(expected.items(), ours, strict=True):
        gradient = gradients[our_name]
        if facts is None:
            assert gradient is None or not gradient.any(), name
            continue
        # The bias in front of a BatchNorm has no gradient but rounding, some 1e-8.
        assert gradient.norm().item() == pytest.approx(facts[0], rel=1e-3, abs=5e-7), name
        assert gradient.sum().item() == pytest.approx(facts[1], rel=1e-3, abs=1e-3 * facts[0] + 2e-6), name


def test_every_gradient_is_that_of_the_original():
    case = reference_cases.load("ce_pairwise_7exp.npz")
    model = _after_backward(case)
    expected = _renamed(model, case.part("train/grad"))
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    assert gradients.keys() == expected.keys()
    for name, value in expected.items():
        # As above: below 1e-7 stands only rounding.
        atol = max(1e-3 * float(value.abs().max()), 1e-7)
        np.testing.assert_allclose(gradients[name], value, rtol=0, atol=atol, err_msg=name)


def test_twelve_steps_with_ranger_end_where_the_original_ends():
    case = reference_cases.load("traj_ce_pairwise_ranger.npz")
    model = reference_cases.network(case, "sd0").train()
    facts = case.meta["optimizer_args"]
    moved = Optimizer(model.parameters(), RULES["ranger"], facts["weight_decay"])
    losses = []
    for step in range(12):
        loss = max_margin(model(*reference_cases.inputs(case, f"step{step}")), case.meta["margin"])
        losses.append(loss.item())
        moved.zero_grad()
        loss.backward()
        moved.step(facts["lr"] * 0.95 ** (step // 4))
    np.testing.assert_allclose(losses, case.arrays["losses"], rtol=0, atol=1e-4)
    scores = model.similarity(*reference_cases.inputs(case, "eval"))
    np.testing.assert_allclose(scores, case.arrays["eval/out/sims"], rtol=0, atol=1e-4)
    expected = case.meta["final_state_norm_sum"]
    ours = _renamed(model, {name: torch.zeros(1) for name in expected})
    state = model.state_dict()
    for (norm, total), name in zip(expected.values(), ours, strict=True):
        # The counters of the file's first state were taken after the training; nothing reads them.
        if not name.endswith("num_batches_tracked"):
            assert state[name].norm().item() == pytest.approx(norm, rel=1e-4, abs=1e-6), name
            assert state[name].sum().item() == pytest.approx(total, rel=1e-4, abs=1e-4 * norm + 1e-5), name


@pytest.mark.parametrize("gating", GATINGS)
@pytest.mark.parametrize("include_self", [True, False])
def test_what_is_known_of_other_videos_never_changes_a_score(gating, include_self):
    """In 2019 the availability of the right video leaked into the scores of its caption."""
    model = _model(gating=gating, include_self=include_self)
    experts, available, text = _batch(6)
    before = model.similarity(experts, available, text)
    for name in available:
        for video in range(6):
            changed = available | {name: available[name].clone()}
            changed[name][video] = ~changed[name][video]
            after = model.similarity(experts, changed, text)
            others = [other for other in range(6) if other != video]
            torch.testing.assert_close(after[:, others], before[:, others], rtol=0, atol=1e-6)


@pytest.mark.parametrize("gating", GATINGS)
def test_which_caption_stands_beside_which_video_never_changes_a_score(gating):
    model = _model(gating=gating)
    experts, available, text = _batch(6)
    before = model.similarity(experts, available, text)
    order = torch.tensor([3, 0, 5, 1, 2, 4])
    after = model.similarity(experts, available, text[order])
    torch.testing.assert_close(after, before.view(6, 2, 6)[order].flatten(0, 1), rtol=0, atol=1e-6)
    videos = {name: value[order] for name, value in experts.items()}
    there = {name: value[order] for name, value in available.items()}
    torch.testing.assert_close(model.similarity(videos, there, text), before[:, order], rtol=0, atol=1e-6)


@pytest.mark.parametrize("gating", GATINGS)
def test_what_stands_in_the_row_of_a_missing_expert_has_no_influence_and_is_left_alone(gating):
    model = _model(gating=gating)
    experts, available, text = _batch(6)
    available["face"][2] = False
    before = model.similarity(experts, available, text)
    experts["face"][2] = float("nan")
    torch.testing.assert_close(model.similarity(experts, available, text), before, rtol=0, atol=0)
    assert experts["face"][2].isnan().all()


@pytest.mark.parametrize("gating", GATINGS)
def test_a_video_without_any_expert_scores_lowest_and_harms_no_gradient(gating):
    model = _model(gating=gating).train()
    experts, available, text = _batch(4)
    for there in available.values():
        there[1] = False
    scores = model(experts, available, text)
    assert (scores[:, 1] == (scores.min() if gating == "concat" else UNSEEN)).all()
    assert (scores >= scores[:, [1]]).all()
    scores.sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("gating", GATINGS)
def test_a_batch_of_one_video_can_be_trained_on(gating):
    model = _model(gating=gating).train()
    experts, available, text = _batch(1)
    scores = model(experts, available, text[:, :1])
    scores.sum().backward()
    assert scores.shape == (1, 1)
    assert scores.isfinite().all()


def test_the_shares_of_the_experts_add_up_to_the_score():
    model = _model()
    experts, available, text = _batch(5)
    videos, texts = model.embed_videos(experts, available), model.embed_texts(text.flatten(0, 1))
    parts = shares(texts, videos)
    torch.testing.assert_close(parts.sum(2), score(texts, videos), rtol=0, atol=1e-6)
    index = [expert.name for expert in model.experts].index("face")
    assert not parts[:, ~available["face"], index].any()


def test_a_score_is_the_weighted_mean_of_cosines_over_the_experts_that_are_there():
    texts = Embeddings((torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])), torch.tensor([[0.75, 0.25]]))
    videos = Embeddings(
        (torch.tensor([[0.6, 0.8], [0.6, 0.8]]), torch.tensor([[1.0, 0.0], [0.0, -1.0]])),
        torch.tensor([[1.0, 1.0], [0.0, 1.0]]),
    )
    torch.testing.assert_close(score(texts, videos), torch.tensor([[0.75 * 0.6, -1.0]]))


@pytest.mark.parametrize("gating", [gating for gating in GATINGS if not gating.startswith("concat")])
def test_a_plain_sum_counts_missing_experts_and_no_weights(gating):
    """keep_missing_modalities of the released code: every dot product has the weight 1."""
    model, plain = _model(gating=gating, standardise=False), _model(sums_missing=True, gating=gating, standardise=False)
    assert plain.mixture is None
    plain.load_state_dict({k: v for k, v in model.state_dict().items() if not k.startswith("mixture.")})
    experts, available, text = _batch(6)
    videos, texts = model.embed_videos(experts, available), model.embed_texts(text.flatten(0, 1))
    pairs = zip(texts.vectors, videos.vectors, strict=True)
    expected = torch.stack([one @ other.T for one, other in pairs]).sum(0)
    torch.testing.assert_close(plain.similarity(experts, available, text), expected, rtol=0, atol=1e-6)
    summed, captions = plain.embed_videos(experts, available), plain.embed_texts(text.flatten(0, 1))
    torch.testing.assert_close(shares(captions, summed).sum(2), expected, rtol=0, atol=1e-6)
    halves = Embeddings.join([summed.take(torch.arange(3)), summed.take(torch.arange(3, 6))])
    torch.testing.assert_close(score(captions, halves), expected, rtol=0, atol=1e-6)


def test_a_plain_sum_has_a_score_for_a_video_without_any_expert():
    model = _model(sums_missing=True, standardise=False)
    experts, available, text = _batch(4)
    for name, there in available.items():
        there[1] = False
        experts[name][1] = float("nan")
    scores = model.similarity(experts, available, text)
    assert scores.isfinite().all()
    assert len(scores[:, 1].unique()) > 1, "the dot products with what zeros become"


def test_concatenated_experts_score_by_the_product_with_the_caption_and_nothing_else():
    model = _model(gating="concat", standardise=False, mask_padding=False)
    experts, available, text = _batch(5)
    with torch.no_grad():
        zeroed = {k: v.masked_fill(~available[k].view(-1, *[1] * (v.dim() - 1)), 0.0) for k, v in experts.items()}
        videos = torch.cat([model.pools[0](zeroed["audio"]), zeroed["face"], zeroed["rgb"]], 1)
        texts = model.text_pool(text.flatten(0, 1))
    assert (texts.shape[1], videos.shape[1]) == (14, 23)
    expected = functional.pad(texts, (0, 9)) @ videos.T
    torch.testing.assert_close(model.similarity(experts, available, text), expected)
    assert len(list(model.parameters())) == 8, "two poolings, each with clusters, centres and a normalisation"


@pytest.mark.parametrize("mask_padding", [True, False])
def test_the_one_vector_of_a_sentence_encoder_is_taken_as_it_is(mask_padding):
    torch.manual_seed(0)
    settings = dataclasses.replace(SETTINGS, mask_padding=mask_padding, standardise=False)
    model, text = CE(EXPERTS, TextInput(7, 0, 0, 1), settings).eval(), torch.randn(3, 1, 7)
    seen = model.embed_texts(text, torch.tensor([1, 1, 1]))
    torch.testing.assert_close(seen.vectors[0], model.text[0](text[:, 0]))
    torch.testing.assert_close(seen.weights, model.mixture(text[:, 0]).softmax(1))


@pytest.mark.parametrize("gating", GATINGS)
def test_a_network_without_a_vector_for_each_expert_says_so(gating):
    model = _model(gating=gating)
    if gating in {"concat", "concat_mix"}:
        with pytest.raises(ConfigError, match=f"search needs a vector of each expert.*gating: {gating}"):
            model.check_vector_per_expert("search")
    else:
        model.check_vector_per_expert("search")
        assert len(model.embed_texts(torch.randn(2, 4, 7)).vectors) == len(EXPERTS)


@pytest.mark.parametrize("gating", GATINGS)
def test_embedding_in_chunks_gives_the_scores_of_one_pass(gating):
    model = _model(gating=gating)
    experts, available, text = _batch(7)
    whole = model.similarity(experts, available, text)
    chunks = [
        model.embed_videos({k: v[rows] for k, v in experts.items()}, {k: v[rows] for k, v in available.items()})
        for rows in (slice(0, 3), slice(3, 7))
    ]
    texts = model.embed_texts(text.flatten(0, 1))
    torch.testing.assert_close(score(texts, Embeddings.join(chunks)), whole, rtol=0, atol=1e-6)


@pytest.mark.parametrize("training", [True, False])
def test_with_mask_padding_the_padding_has_no_influence(training):
    model = _model(standardise=False).train(training)
    experts, available, text = _batch(5)
    counts, text_counts = (
        {"audio": torch.tensor([5, 3, 0, 1, 2])},
        torch.tensor([[4, 1], [2, 3], [4, 4], [1, 2], [3, 1]]),
    )
    state = {key: value.clone() for key, value in model.state_dict().items()}
    before = model(experts, available, text, counts, text_counts)
    model.load_state_dict(state)
    real = torch.arange(5) < counts["audio"].unsqueeze(1)
    experts["audio"] = experts["audio"].masked_fill(~real.unsqueeze(2), 7.0)
    text = torch.cat([text, torch.full((5, 2, 3, 7), 9.0)], 2)
    torch.testing.assert_close(model(experts, available, text, counts, text_counts), before, rtol=0, atol=1e-6)


def test_without_mask_padding_counts_change_nothing():
    model = _model(mask_padding=False, standardise=False)
    experts, available, text = _batch(3)
    counts = {"audio": torch.tensor([1, 1, 1])}
    with torch.no_grad():
        given = model(experts, available, text, counts, torch.ones(3, 2, dtype=torch.long))
    torch.testing.assert_close(given, model.similarity(experts, available, text), rtol=0, atol=0)


def test_standardising_makes_the_scale_of_a_feature_irrelevant():
    experts, available, text = _batch(20)
    scaled = experts | {"rgb": experts["rgb"] * 1000 + 50}
    torch.manual_seed(0)
    model = CE(EXPERTS, TEXT, SETTINGS).eval()
    model.fit_inputs({name: values.flatten(0, -2) for name, values in experts.items()})
    plain = model.similarity(experts, available, text)
    model.fit_inputs({name: values.flatten(0, -2) for name, values in scaled.items()})
    torch.testing.assert_close(model.similarity(scaled, available, text), plain, rtol=0, atol=1e-5)


def test_the_order_in_which_experts_are_given_does_not_matter():
    torch.manual_seed(0)
    one = CE(EXPERTS, TEXT, SETTINGS)
    torch.manual_seed(0)
    other = CE(EXPERTS[::-1], TEXT, SETTINGS)
    assert [expert.name for expert in one.experts] == ["audio", "face", "rgb"]
    assert one.experts == other.experts
    torch.testing.assert_close(one.state_dict(), other.state_dict(), rtol=0, atol=0)


def test_too_few_experts_for_a_relation_are_told_when_some_are_left_out():
    settings = dataclasses.replace(SETTINGS, gating="triplet", include_self=False)
    with pytest.raises(ConfigError, match="gating: triplet needs 3 experts or more"):
        CE(EXPERTS[:2], TEXT, settings)


def test_a_uniform_mixture_weighs_all_experts_alike_and_learns_no_weights():
    model = _model(mixture="uniform")
    assert model.mixture is None
    weights = model.embed_texts(torch.randn(3, 4, 7)).weights
    torch.testing.assert_close(weights, torch.full((3, 3), 1 / 3))


@pytest.mark.parametrize("gating", GATINGS)
def test_scores_in_bfloat16_are_near_those_in_float32(gating):
    model = _model(gating=gating)
    experts, available, text = _batch(8)
    exact = model.similarity(experts, available, text)
    with torch.autocast("cpu", torch.bfloat16):
        rough = model.similarity(experts, available, text)
        model.train()(experts, available, text).sum().backward()
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough, exact, rtol=0, atol=0.05)


def _model(sums_missing=False, **changed):
    """A network whose BatchNorms have running statistics as after a training."""
    torch.manual_seed(0)
    model = CE(EXPERTS, TEXT, dataclasses.replace(SETTINGS, **changed), sums_missing)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.01, 1.0)
    return model.eval()


def _batch(videos):
    chance = torch.Generator().manual_seed(videos)
    experts = {
        "rgb": torch.randn(videos, 6, generator=chance),
        "face": torch.randn(videos, 5, generator=chance),
        "audio": torch.randn(videos, 5, 4, generator=chance),
    }
    available = {name: torch.rand(videos, generator=chance) < 0.7 for name in experts}
    available["rgb"][:] = True
    return experts, available, torch.randn(videos, 2, 4, 7, generator=chance)


def _after_backward(case):
    model = reference_cases.network(case).train()
    max_margin(model(*reference_cases.inputs(case, "train")), case.meta["margin"]).backward()
    return model


def _renamed(model, values):
    return renamed(values, [expert.name for expert in model.experts], model.settings.gating)
