import numpy as np
import torch
from scipy.special import expit

from models.networks.gates import CollaborativeGate, ContextGate, GatedEmbedding, unit


def test_a_unit_vector_has_length_1_and_zeros_stay_zeros():
    torch.testing.assert_close(unit(torch.tensor([[3.0, 4.0], [0.0, 0.0]])), torch.tensor([[0.6, 0.8], [0.0, 0.0]]))


def test_a_vector_gates_itself():
    torch.manual_seed(0)
    gate, x = ContextGate(4).eval(), torch.randn(3, 4)
    np.testing.assert_allclose(gate(x).detach(), _gated(x, _linear(gate.fc, x)), rtol=0, atol=1e-6)


def test_a_projection_gates_itself():
    torch.manual_seed(0)
    unit_of, x = GatedEmbedding(5, 4).eval(), torch.randn(3, 5)
    projected = _linear(unit_of.fc, x)
    expected = _gated(projected, _linear(unit_of.gate.fc, projected))
    np.testing.assert_allclose(unit_of(x).detach(), expected, rtol=0, atol=1e-6)


def test_the_context_has_its_own_normalisation():
    torch.manual_seed(0)
    gate, x, context = CollaborativeGate(4).eval(), torch.randn(3, 4), torch.randn(3, 4)
    with torch.no_grad():
        gate.context_norm.running_mean.fill_(2.0)
    logits = _linear(gate.fc, x) + context.numpy() - 2
    np.testing.assert_allclose(gate(x, context).detach(), _gated(x, logits), rtol=0, atol=1e-6)


def _linear(layer, x):
    return np.asarray(x) @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()


def _gated(x, logits):
    """The formula; a BatchNorm that never saw a batch only divides by sqrt(1 + eps)."""
    product = np.asarray(x) * expit(logits / np.sqrt(1 + 1e-5))
    return product / np.linalg.norm(product, axis=1, keepdims=True)
