import dataclasses

import pytest
import torch
from torch import nn
from torch.nn import functional

from models.config import Architecture
from models.video import Collaborative, Projected, Separate, branch

SETTINGS = Architecture(8, "sequential", "relu", batch_norm=True, mask_padding=True, num_h_layers=1)
DIMS = (3, 5, 4)


@pytest.mark.parametrize("sequential", [True, False])
@pytest.mark.parametrize("include_self", [True, False])
@pytest.mark.parametrize("batch_norm", [True, False])
def test_collaborative_gating_is_its_formula_pair_by_pair(sequential, include_self, batch_norm):
    settings = dataclasses.replace(
        SETTINGS, gating="sequential" if sequential else "parallel", include_self=include_self, batch_norm=batch_norm
    )
    side, pooled, available = _side(settings), _pooled(4), _available(4)
    with torch.no_grad():
        ours = side(pooled, available)
        seen = [functional.normalize(reduce(x)) for reduce, x in zip(side.reduce, pooled, strict=True)]
        before = list(seen)
        for i, gate in enumerate(side.gates):
            total, count = torch.zeros(4, 8), torch.zeros(4, 1)
            for j in range(3):
                if j != i or include_self:
                    pair = torch.cat([before[i], (seen if sequential else before)[j]], 1)
                    both = (available[:, i] * available[:, j]).unsqueeze(1)
                    total, count = total + both * side.relate(side.first(pair).unsqueeze(1)).squeeze(1), count + both
            context = gate.context_norm(side.summarise(total / (count + 1e-11)))
            seen[i] = functional.normalize(before[i] * (context + gate.norm(gate.fc(before[i]))).sigmoid())
            torch.testing.assert_close(ours[i], seen[i], rtol=0, atol=1e-5)


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


def test_each_design_has_its_class_and_its_output_sizes():
    for gating, kind in {
        "moee": Separate,
        "none": Projected,
        "sequential": Collaborative,
        "parallel": Collaborative,
    }.items():
        settings = dataclasses.replace(SETTINGS, gating=gating, num_h_layers=0)
        dims_out = DIMS if gating == "moee" else (8, 8, 8)
        side = branch(DIMS, dims_out, settings)
        assert isinstance(side, kind)
        assert [tuple(x.shape) for x in side(_pooled(4), _available(4))] == [(4, dim) for dim in dims_out]


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
