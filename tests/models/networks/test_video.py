import dataclasses
import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional

from models.architecture import Architecture
from models.network_inputs import ExpertInput
from models.networks.ce import Embeddings, score
from models.networks.video import Collaborative, Concatenated, Mixed, Projected, Separate, branches

SETTINGS = Architecture(8, "sequential", "relu", batch_norm=True, mask_padding=True, num_h_layers=1)
DIMS = (3, 5, 4)
INPUTS = tuple(ExpertInput(name, dim) for name, dim in zip("abc", DIMS, strict=True))


@pytest.mark.parametrize("gating", ["sequential", "parallel", "triplet"])
@pytest.mark.parametrize("include_self", [True, False])
@pytest.mark.parametrize("batch_norm", [True, False])
def test_collaborative_gating_is_its_formula_relation_by_relation(gating, include_self, batch_norm):
    settings = dataclasses.replace(SETTINGS, gating=gating, include_self=include_self, batch_norm=batch_norm)
    side, pooled, available = _side(settings), _pooled(4), _available(4)
    partners = 2 if gating == "triplet" else 1
    with torch.no_grad():
        ours = side(pooled, available)
        before = _reduced(side, pooled)
        seen = list(before)
        for i in range(3):
            total, count = torch.zeros(4, 8), torch.zeros(4, 1)
            others = before if gating == "parallel" else seen
            for group in itertools.product(range(3), repeat=partners):
                if not include_self and len({i, *group}) < 1 + partners:
                    continue
                together = torch.cat([before[i], *(others[j] for j in group)], 1)
                there = available[:, [i, *group]].prod(1, keepdim=True)
                total = total + there * side.relate(side.first(together).unsqueeze(1)).squeeze(1)
                count = count + there
            seen[i] = _gated(side, i, before[i], total / (count + 1e-11))
            torch.testing.assert_close(ours[i], seen[i], rtol=0, atol=1e-5)


@pytest.mark.parametrize("batch_norm", [True, False])
def test_gating_by_a_star_is_its_formula_expert_by_expert(batch_norm):
    side, pooled, available = (
        _side(dataclasses.replace(SETTINGS, gating="star", batch_norm=batch_norm)),
        _pooled(4),
        _available(4),
    )
    available[3] = 0
    with torch.no_grad():
        ours = side(pooled, available)
        reduced = _reduced(side, pooled)
        for video in range(3):
            there = [j for j in range(3) if available[video, j]]
            centre = sum(reduced[j][video] for j in there) / len(there)
            for i in range(3):
                relation = side.relate(side.first(torch.cat([reduced[i][video], centre])).view(1, 1, 8)).view(1, 8)
                expected = _gated(side, i, reduced[i][[video]], relation * available[video, i])
                torch.testing.assert_close(ours[i][[video]], expected, rtol=0, atol=1e-5)
        assert all(vector[3].isfinite().all() for vector in ours), "a video without any expert has no mean"


@pytest.mark.parametrize("gating", ["sequential", "triplet", "star"])
def test_each_relation_has_batch_statistics_of_its_own(gating):
    """The released models call one BatchNorm relation by relation, and move its running statistics each time."""
    settings = dataclasses.replace(SETTINGS, gating=gating, num_h_layers=0, num_g_layers=2)
    side, pooled, available = _side(settings).train(), _pooled(5), torch.ones(5, 3)
    plain = nn.BatchNorm1d(8)
    plain.load_state_dict(side.relate[0].state_dict())
    with torch.no_grad():
        before = _reduced(side, pooled)
        seen, centre = list(before), torch.stack(before).mean(0)
        for i, vector in enumerate(side(pooled, available)):
            groups = itertools.product(range(3), repeat=2 if gating == "triplet" else 1)
            others = [[centre]] if gating == "star" else [[seen[j] for j in group] for group in groups]
            for group in others:
                plain(side.first(torch.cat([before[i], *group], 1)))
            seen[i] = vector
    torch.testing.assert_close(side.relate[0].running_mean, plain.running_mean, rtol=0, atol=1e-5)
    torch.testing.assert_close(side.relate[0].running_var, plain.running_var, rtol=0, atol=1e-5)
    assert side.relate[0].num_batches_tracked == plain.num_batches_tracked


def test_without_batch_norm_between_pairs_only_the_gates_normalise():
    side = _side(dataclasses.replace(SETTINGS, batch_norm=False))
    assert not any(isinstance(module, nn.BatchNorm1d) for module in [*side.relate, *side.summarise])


def test_an_expert_that_is_missing_says_nothing_of_the_others():
    side, pooled, available = _side(SETTINGS), _pooled(4), torch.ones(4, 3)
    available[:, 2] = 0
    with torch.no_grad():
        one = side(pooled, available)
        other = side([*pooled[:2], torch.randn(4, 4)], available)
    torch.testing.assert_close(one[:2], other[:2])


@pytest.mark.parametrize("text_dim", [6, 30])
def test_concatenation_gives_the_products_of_zero_padding(text_dim):
    """As the authors meant it: whichever side is shorter is padded with zeros."""
    side, (of_text,) = branches(INPUTS, text_dim, dataclasses.replace(SETTINGS, gating="concat", num_h_layers=0))
    pooled, text = _pooled(4), torch.randn(2, text_dim)
    (video,) = side(pooled, _available(4))
    together, length = torch.cat(pooled, 1), max(text_dim, sum(DIMS))
    left, right = (functional.pad(x, (0, length - x.shape[1])) for x in (text, together))
    there = torch.ones(2, 1), torch.ones(4, 1)
    scores = score(Embeddings((of_text(text),), there[0]), Embeddings((video,), there[1]))
    torch.testing.assert_close(scores, left @ right.T)
    assert not [*side.parameters(), *of_text.parameters()]


def test_a_mixture_of_concatenated_experts_is_one_gated_projection():
    settings = dataclasses.replace(SETTINGS, gating="concat_mix", num_h_layers=0)
    side, (of_text,) = branches((*INPUTS[:2], ExpertInput("c", 2, "vlad", 2, 5)), 6, settings)
    pooled = _pooled(4)
    (video,) = side.eval()(pooled, _available(4))
    assert (side.unit.fc.in_features, side.unit.fc.out_features) == (12, 10), "after NetVLAD, and before it"
    torch.testing.assert_close(video, side.unit(torch.cat(pooled, 1)))
    assert of_text.eval()(torch.randn(2, 6)).shape == (2, 10)


@pytest.mark.parametrize(
    ("gating", "kind", "dims_out"),
    [
        ("moee", Separate, DIMS),
        ("none", Projected, (8, 8, 8)),
        ("sequential", Collaborative, (8, 8, 8)),
        ("parallel", Collaborative, (8, 8, 8)),
        ("triplet", Collaborative, (8, 8, 8)),
        ("star", Collaborative, (8, 8, 8)),
        ("concat", Concatenated, (6,)),
        ("concat_mix", Mixed, (12,)),
    ],
)
def test_each_design_has_its_class_and_both_sides_have_its_sizes(gating, kind, dims_out):
    side, of_text = branches(INPUTS, 6, dataclasses.replace(SETTINGS, gating=gating, num_h_layers=0))
    assert isinstance(side, kind)
    assert [tuple(x.shape) for x in side(_pooled(4), _available(4))] == [(4, dim) for dim in dims_out]
    assert [tuple(embed(torch.randn(2, 6)).shape) for embed in of_text] == [(2, dim) for dim in dims_out]


def _reduced(side, pooled):
    return [functional.normalize(reduce(x)) for reduce, x in zip(side.reduce, pooled, strict=True)]


def _gated(side, index, x, context):
    gate = side.gates[index]
    both = gate.context_norm(side.summarise(context.unsqueeze(1)).squeeze(1)) + gate.norm(gate.fc(x))
    return functional.normalize(x * both.sigmoid())


def _side(settings):
    torch.manual_seed(0)
    side = Collaborative(DIMS, settings)
    for module in side.modules():
        if isinstance(module, nn.BatchNorm1d):
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return side.eval()


def _pooled(videos):
    return [torch.randn(videos, dim) for dim in DIMS]


def _available(videos):
    return (torch.rand(videos, 3) < 0.6).float()
