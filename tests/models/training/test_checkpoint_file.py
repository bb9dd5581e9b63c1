import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from models.architecture import Architecture
from models.network_inputs import AlignedInput, ExpertInput, TextInput
from models.networks.residual import network
from models.training import checkpoint
from models.training.checkpoint_file import FACTS, MODEL, load_text_side, read_arrays
from pipeline.errors import DamagedError


def every(name):
    return True


def written(folder, head="learned", leave_out=()):
    torch.manual_seed(0)
    architecture = Architecture(8, "moee", "mish", True, True, head=head)
    aligned = [AlignedInput("clip", 4), AlignedInput("a", 3)] if head != "learned" else []
    model = network([ExpertInput("clip", 4), ExpertInput("a", 3)], TextInput(5, 0, 0, 6), architecture, aligned)
    tensors = {name: tensor for name, tensor in model.state_dict().items() if name not in leave_out}
    checkpoint.write(folder / MODEL, tensors, {"model": checkpoint.describe(model)})
    return model.eval()


def test_the_arrays_are_the_tensors_and_the_facts_those_that_were_written(tmp_path):
    path = tmp_path / "x.safetensors"
    tensors = {"a": torch.randn(3, 2).T, "b/c": torch.arange(4), "d": torch.tensor(7), "e": torch.zeros(0, 3)}
    checkpoint.write(path, tensors, {"epoch": 3})
    arrays, facts = read_arrays(path, every)
    assert facts == {"epoch": 3}
    assert arrays.keys() == tensors.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, tensors[name].numpy())
        assert array.shape == tuple(tensors[name].shape)
    assert read_arrays(path, lambda name: name == "a")[0].keys() == {"a"}


def test_a_flipped_bit_is_told_also_in_a_tensor_that_is_not_wanted(tmp_path):
    path = tmp_path / "x.safetensors"
    checkpoint.write(path, {"a": torch.arange(4.0), "b": torch.arange(3)}, {"epoch": 3})
    whole = path.read_bytes()
    for place in range(len(whole) - 40, len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(DamagedError, match="another checksum"):
            read_arrays(path, lambda name: name == "a")


@pytest.mark.parametrize("kept", [0, 5, 40, -1])
def test_a_file_that_is_cut_off_is_told(tmp_path, kept):
    path = tmp_path / "x.safetensors"
    checkpoint.write(path, {"a": torch.ones(2)}, {})
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DamagedError, match=r"x\.safetensors"):
        read_arrays(path, every)


def test_a_file_from_before_there_were_digests_is_read(tmp_path):
    save_file({"a": torch.ones(2)}, tmp_path / "x.safetensors", {FACTS: '{"epoch": 3}'})
    assert read_arrays(tmp_path / "x.safetensors", every)[1] == {"epoch": 3}


@pytest.mark.parametrize("head", ["learned", "residual"])
def test_the_text_side_of_a_training_is_that_of_its_network(tmp_path, head):
    model, side = written(tmp_path, head), load_text_side(tmp_path)
    tokens = np.random.default_rng(0).standard_normal((1, 5)).astype(np.float32)
    frozen = {"clip": np.ones(4, np.float32), "a": np.ones(3, np.float32)} if head == "residual" else {}
    with torch.no_grad():
        given = {name: torch.from_numpy(vector)[None] for name, vector in frozen.items()}
        expected = model.embed_texts(torch.from_numpy(tokens)[None], torch.tensor([1]), given)
    found = side.embed(tokens, frozen)
    for one, other in zip(found.vectors, expected.vectors, strict=True):
        np.testing.assert_allclose(one, other[0].numpy(), atol=1e-6)
    assert side.names == ("a", "clip")
    assert [one.name for one in side.aligned] == (["a", "clip"] if frozen else [])


def test_a_head_from_before_there_were_fixed_weights_has_even_ones(tmp_path):
    written(tmp_path, "residual", leave_out={"base"})
    np.testing.assert_array_equal(load_text_side(tmp_path).arrays["base"], [0.5, 0.5])


def test_it_imports_no_torch(tmp_path):
    written(tmp_path)
    code = (
        "import sys, pathlib; from models.training.checkpoint_file import load_text_side\n"
        f"load_text_side(pathlib.Path({str(tmp_path)!r})); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_metadata_has_one_key(tmp_path):
    written(tmp_path)
    with safe_open(tmp_path / MODEL, "numpy") as file:
        assert list(file.metadata()) == [FACTS]
        assert json.loads(file.metadata()[FACTS])["model"]["text"]["dim"] == 5
