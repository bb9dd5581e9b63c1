import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from extractors.networks.bert import Bert

SETTINGS = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "vocab_size": 40,
    "max_position_embeddings": 30,
}
TEXTS = [[7], [0, 39, 3, 3], list(range(30))]


@pytest.fixture
def model():
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    built = BertModel(BertConfig(**SETTINGS), add_pooling_layer=False).eval()
    for tensor in built.parameters():  # at the start those of the norms are all ones and zeros
        tensor.data += torch.randn_like(tensor) / 3
    return built


@pytest.fixture
def path(model, tmp_path):
    return written(tmp_path, model.state_dict())


def written(folder, tensors):
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "model.safetensors")
    return folder / "model.safetensors"


def test_the_states_are_those_of_transformers(model, path):
    bert = Bert.read(path, SETTINGS)
    for ids in TEXTS:
        with torch.inference_mode():
            expected = model(torch.tensor([ids])).last_hidden_state[0].numpy()
        found = bert.states(ids)
        np.testing.assert_allclose(found, expected, atol=3e-6)
        assert found.dtype == np.float32


def test_a_large_value_on_either_side_is_let_through_or_cut_off_as_by_the_exact_function():
    from extractors.networks.bert import _gelu

    x = torch.linspace(-30, 30, 100_001)
    expected = torch.nn.functional.gelu(x.double()).numpy()
    np.testing.assert_allclose(_gelu(x.numpy()), expected, atol=1e-6)


def test_a_text_that_is_too_long_is_an_error(path):
    with pytest.raises(ValueError, match="broadcast"):
        Bert.read(path, SETTINGS).states([1] * 31)


@pytest.mark.parametrize(
    ("settings", "rename"),
    [
        ({"hidden_act": 1}, "model.safetensors"),
        ({"num_attention_heads": 3}, "model.safetensors"),
        ({"num_attention_heads": 0}, "model.safetensors"),
        ({"vocab_size": 41}, "model.safetensors"),
        ({"num_hidden_layers": 3}, "model.safetensors"),
        ({}, "model.bin"),
    ],
)
def test_what_is_not_exactly_known_is_left_to_torch(path, settings, rename):
    assert Bert.read(path.rename(path.with_name(rename)), SETTINGS | settings) is None


def test_tensors_of_half_precision_are_left_to_torch(path):
    written(path.parent, {name: tensor.bfloat16() for name, tensor in load_file(path).items()})
    assert Bert.read(path, SETTINGS) is None


def test_a_tensor_that_is_missing_is_left_to_torch(path):
    tensors = load_file(path)
    del tensors["encoder.layer.1.output.dense.bias"]
    written(path.parent, tensors)
    assert Bert.read(path, SETTINGS) is None


@pytest.mark.parametrize("kept", [0, 3, 8, 60, -4])
def test_a_file_that_is_cut_off_is_left_to_torch_which_says_so(path, kept):
    path.write_bytes(path.read_bytes()[:kept])
    assert Bert.read(path, SETTINGS) is None


@pytest.mark.parametrize("size", [2**62, 2**63, 2**64 - 1])
def test_a_header_of_impossible_length_is_left_to_torch(path, size):
    path.write_bytes(size.to_bytes(8, "little") + b"{}")
    assert Bert.read(path, SETTINGS) is None


@pytest.mark.parametrize("header", [b"[]", b"{", b'{"a": 1}', b'{"a": {"dtype": "F32"}}', b"\xff" * 20])
def test_a_header_of_another_form_is_left_to_torch(path, header):
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(64))
    assert Bert.read(path, SETTINGS) is None
