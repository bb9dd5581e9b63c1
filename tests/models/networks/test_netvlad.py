import numpy as np
import torch
from scipy.special import softmax

from models.networks.netvlad import NetVLAD
from tests.models import reference_cases


def test_pooled_captions_are_those_of_the_original():
    case = reference_cases.load("ce_all_available.npz")
    model = reference_cases.network(case)
    _, _, text = reference_cases.inputs(case, "eval")
    with torch.no_grad():
        pooled = model.text_pool(text.flatten(0, 1))
    np.testing.assert_allclose(pooled, case.arrays["eval/out/pooled_text"], rtol=0, atol=2e-6)


def test_it_is_the_formula_of_the_paper():
    pool, tokens = _pool(), torch.randn(2, 5, 6)
    with torch.no_grad():
        ours = pool(tokens).numpy()
    weights, bias = pool.norm.weight.detach().numpy(), pool.norm.bias.detach().numpy()
    centres = pool.centres.detach().numpy()
    for row, sequence in zip(ours, tokens.numpy(), strict=True):
        logits = sequence @ pool.clusters.detach().numpy() / np.sqrt(1 + pool.norm.eps) * weights + bias
        shares = softmax(logits, axis=1)[:, :3]
        expected = np.zeros((6, 3))
        for cluster in range(3):
            residual = sum(shares[t, cluster] * (sequence[t] - centres[:, cluster]) for t in range(5))
            expected[:, cluster] = residual / np.linalg.norm(residual)
        np.testing.assert_allclose(row, expected.reshape(-1) / np.linalg.norm(expected), rtol=0, atol=1e-6)


def test_padding_counts_without_counts_and_has_no_influence_with_them():
    pool, tokens = _pool(), torch.randn(3, 4, 6)
    padded = torch.cat([tokens, torch.zeros(3, 2, 6)], 1)
    with torch.no_grad():
        assert (pool(padded) - pool(tokens)).abs().max() > 1e-3
        torch.testing.assert_close(pool(padded, torch.tensor([4, 4, 4])), pool(tokens), rtol=0, atol=1e-6)


def test_padding_is_not_in_the_batch_statistics_with_counts():
    tokens = torch.randn(3, 4, 6)
    pool, other = _pool().train(), _pool().train()
    pool(torch.cat([tokens, torch.full((3, 2, 6), 9.0)], 1), torch.tensor([4, 4, 4]))
    other(tokens)
    torch.testing.assert_close(pool.norm.running_var, other.norm.running_var)


def test_a_sequence_without_tokens_becomes_zeros_and_harms_no_gradient():
    pool = _pool().train()
    tokens = torch.randn(3, 4, 6, requires_grad=True)
    pooled = pool(tokens, torch.tensor([4, 0, 1]))
    assert not pooled[1].any()
    pooled.sum().backward()
    assert tokens.grad.isfinite().all()
    assert not tokens.grad[1].any()


def test_a_batch_without_any_token_is_all_zeros():
    assert not _pool().train()(torch.randn(2, 4, 6), torch.tensor([0, 0])).any()


def _pool():
    torch.manual_seed(0)
    pool = NetVLAD(6, 3, ghost_clusters=1)
    torch.nn.init.normal_(pool.norm.weight)
    torch.nn.init.normal_(pool.norm.bias)
    return pool.eval()
