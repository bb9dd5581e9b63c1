from itertools import product

import numpy as np
import pytest
import torch

from models.architecture import Architecture
from models.network_inputs import AlignedInput, ExpertInput, TextInput
from models.networks.residual import network
from models.networks.text_side import TextSide, is_of_text_side

WORDS, DIM = 8, 12
EXPERTS = [ExpertInput("b", 7), ExpertInput("a", 5), ExpertInput("c", 6, "vlad", 2, 4)]
ALIGNED = [AlignedInput("c", 6), AlignedInput("b", 9, 0.05)]
FROZEN = {one.name: np.random.default_rng(1).standard_normal(one.dim).astype(np.float32) for one in ALIGNED}
POOLS = {"first": (0, 0), "vlad": (4, 0), "ghosts": (4, 1)}


def pair(gating="sequential", pool="vlad", head="learned", **settings):
    """A network with weights and statistics far from those at the start, and its text side."""
    torch.manual_seed(0)
    architecture = Architecture(16, gating, "mish", True, **({"mask_padding": True} | settings), head=head)
    model = network(EXPERTS, TextInput(DIM, *POOLS[pool], WORDS), architecture, ALIGNED if head != "learned" else ())
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if name.endswith("running_var") or name in {"base", "scale"}:
                tensor.copy_(torch.rand_like(tensor) + 0.2)
            elif tensor.dtype == torch.float32:
                tensor.copy_(torch.randn_like(tensor) / 2)
    arrays = {name: tensor.numpy() for name, tensor in model.state_dict().items() if is_of_text_side(name)}
    aligned = getattr(model, "aligned", ())
    return model.eval(), TextSide(model.experts, model.text_input, architecture, aligned, arrays)


def by_torch(model, tokens):
    """What the network makes of a caption, as a search asked it before there was a text side."""
    text = torch.from_numpy(tokens[None, :WORDS])
    count = torch.tensor([text.shape[1]])
    if not model.settings.mask_padding:
        text = torch.nn.functional.pad(text, (0, 0, 0, WORDS - text.shape[1]))
    frozen = {name: torch.from_numpy(vector)[None] for name, vector in FROZEN.items()}
    with torch.no_grad():
        return model.embed_texts(text, count, frozen)


def captions():
    return [np.random.default_rng(count).standard_normal((count, DIM)).astype(np.float32) for count in (1, 5, 8, 11)]


def assert_equal(model, side, tokens):
    expected, found = by_torch(model, tokens), side.embed(tokens, FROZEN)
    for one, other in zip(found.vectors, expected.vectors, strict=True):
        np.testing.assert_allclose(one, other[0].numpy(), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found.weights, expected.weights[0].numpy(), atol=1e-6)
    assert {found.weights.dtype, *(vector.dtype for vector in found.vectors)} == {np.dtype(np.float32)}
    assert (found.counted is None) == (expected.counted is None)
    if expected.counted is not None:
        np.testing.assert_array_equal(found.counted, expected.counted.numpy())


@pytest.mark.parametrize(
    ("gating", "pool", "mixture", "head"),
    list(product(["sequential", "moee", "none"], POOLS, ["learned", "uniform"], ["learned", "residual", "zero_shot"])),
)
def test_a_caption_is_embedded_as_by_the_network(gating, pool, mixture, head):
    model, side = pair(gating, pool, head, mixture=mixture)
    for tokens in captions():
        assert_equal(model, side, tokens)


@pytest.mark.parametrize("pool", POOLS)
def test_padding_counts_where_it_does_in_the_network(pool):
    model, side = pair(pool=pool, mask_padding=False)
    for tokens in captions():
        assert_equal(model, side, tokens)


def test_a_caption_of_zeros_has_numbers_too():
    model, side = pair()
    assert_equal(model, side, np.zeros((1, DIM), np.float32))


def test_the_experts_are_called_in_the_order_of_the_network():
    assert pair()[1].names == ("a", "b", "c")


def test_of_the_video_side_nothing_is_needed():
    model, _ = pair(pool="ghosts", head="residual")
    left = {name.partition(".")[0] for name in model.state_dict() if not is_of_text_side(name)}
    assert left == {"inputs", "pools", "video"} & left
    assert "video" in left
