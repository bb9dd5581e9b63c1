import pytest
import torch
from torch import nn

from models.networks.norms import BatchNorm, PairNorm, Standardise


def test_pairs_in_one_call_are_pairs_one_after_another():
    x = torch.randn(7, 5, 3)
    ours, theirs = _like(PairNorm), _like(nn.BatchNorm1d)
    together = ours(x)
    one_by_one = torch.stack([theirs(x[:, pair]) for pair in range(5)], 1)
    torch.testing.assert_close(together, one_by_one, rtol=0, atol=1e-6)
    torch.testing.assert_close(ours.state_dict(), theirs.state_dict(), rtol=1e-5, atol=1e-6)
    assert ours.num_batches_tracked == 5
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x.flatten(0, 1)).view_as(x), rtol=0, atol=1e-5)


def test_gradients_of_pairs_are_those_of_single_calls():
    x = torch.randn(7, 5, 3)
    ours, theirs = _like(PairNorm), _like(nn.BatchNorm1d)
    weights = torch.randn(7, 5, 3)
    (ours(x) * weights).sum().backward()
    (torch.stack([theirs(x[:, pair]) for pair in range(5)], 1) * weights).sum().backward()
    torch.testing.assert_close(ours.weight.grad, theirs.weight.grad, rtol=1e-4, atol=1e-4)


def test_running_statistics_keep_their_digits_where_products_are_of_half_precision():
    x = torch.randn(7, 5, 3)
    exact, rough = _like(PairNorm), _like(PairNorm)
    exact(x)
    with torch.autocast("cpu", torch.bfloat16):
        rough(x)
    torch.testing.assert_close(rough.state_dict(), exact.state_dict(), rtol=1e-6, atol=1e-6)


def test_all_leading_axes_are_rows():
    x = torch.randn(4, 2, 3)
    ours, theirs = _like(BatchNorm), _like(nn.BatchNorm1d)
    torch.testing.assert_close(ours(x), theirs(x.flatten(0, 1)).view_as(x))


def test_a_single_row_in_training_takes_the_running_statistics_and_leaves_them():
    for kind, x in ((BatchNorm, torch.randn(1, 3)), (PairNorm, torch.randn(1, 5, 3))):
        norm = _like(kind)
        before = {key: value.clone() for key, value in norm.state_dict().items()}
        trained = norm(x)
        torch.testing.assert_close(norm.state_dict(), before)
        torch.testing.assert_close(norm.eval()(x), trained)


def test_standardised_features_have_mean_0_and_deviation_1():
    layer, values = Standardise(3), torch.randn(50, 3) * torch.tensor([1.0, 100.0, 0.01]) + 7
    layer.fit(values)
    torch.testing.assert_close(layer(values).mean(0), torch.zeros(3), rtol=0, atol=1e-3)
    torch.testing.assert_close(layer(values).std(0, correction=0), torch.ones(3), rtol=1e-3, atol=0)


def test_a_feature_that_never_varies_is_only_shifted():
    layer = Standardise(2)
    layer.fit(torch.tensor([[5.0, 1.0], [5.0, 2.0]]))
    torch.testing.assert_close(layer(torch.tensor([[6.0, 1.5]])), torch.tensor([[1.0, 0.0]]))


def test_no_values_leave_the_features_as_they_are():
    layer = Standardise(2)
    layer.fit(torch.zeros(0, 2))
    torch.testing.assert_close(layer(torch.tensor([[6.0, 1.5]])), torch.tensor([[6.0, 1.5]]))


def _like(kind):
    torch.manual_seed(0)
    norm = kind(3)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.running_mean)
    return norm


@pytest.mark.parametrize("number", [0, 1, 2, 7])
@pytest.mark.parametrize("is_training", [True, False])
def test_rows_that_are_not_picked_out_are_normalised_as_if_they_were(number, is_training):
    generator = torch.Generator().manual_seed(0)
    x = 3 * torch.randn((2, 5, 4), generator=generator) + 1
    real = torch.zeros(10, dtype=torch.bool)
    real[torch.randperm(10, generator=generator)[:number]] = True
    real = real.view(2, 5)
    outputs, states, gradients = [], [], []
    for picks in (True, False):
        norm = BatchNorm(4).train(is_training)
        with torch.no_grad():
            norm.weight.copy_(torch.tensor([1.0, 2.0, 0.5, -1.0]))
            norm.bias.copy_(torch.tensor([0.0, 1.0, -1.0, 0.5]))
            norm.running_mean.fill_(0.3)
            norm.running_var.fill_(1.7)
        given = x.clone().requires_grad_()
        out = norm(given[real]) if picks else norm.of_real(given, real)[real]
        (out**3).sum().backward()
        outputs.append(out.detach())
        states.append(norm.state_dict())
        gradients.append(given.grad)
    torch.testing.assert_close(outputs[1], outputs[0])
    torch.testing.assert_close(states[1], states[0])
    torch.testing.assert_close(gradients[1][real], gradients[0][real], rtol=1e-4, atol=1e-4)
    assert not gradients[1][~real].any()
