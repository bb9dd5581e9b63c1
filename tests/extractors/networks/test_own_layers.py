import torch

from extractors.networks.own_layers import is_for_ours


def test_ours_are_for_float32_on_a_cpu_without_gradients():
    x, weight = torch.ones(2, 3), torch.ones(4, 3)
    learned = weight.clone().requires_grad_()
    assert is_for_ours(x, weight)
    assert not is_for_ours(x, learned)
    assert not is_for_ours(x.clone().requires_grad_(), weight)
    assert not is_for_ours(x, weight, torch.ones(4).requires_grad_())
    assert is_for_ours(x, weight, torch.ones(4))
    with torch.no_grad():
        assert is_for_ours(x, learned)
    assert not is_for_ours(x.double(), weight.double())
    assert not is_for_ours(x.to("meta"), weight.to("meta"))
