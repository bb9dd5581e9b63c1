import os

import pytest
import torch

from models.networks.ce import CE
from models.training import checkpoint
from pipeline.errors import StoreError
from tests.models.synthetic import SETTINGS, synthetic_split


def test_what_is_written_is_read_exactly(tmp_path):
    tensors = {"a": torch.randn(3, 2).T, "b/c": torch.arange(4), "d": torch.tensor(7)}
    facts = {"rate": 0.1 + 0.2, "names": ["x", "y"], "none": None}
    checkpoint.write(tmp_path / "x.safetensors", tensors, facts)
    read, metadata = checkpoint.read(tmp_path / "x.safetensors")
    assert metadata == facts
    assert read.keys() == tensors.keys()
    assert all(torch.equal(read[key], value) for key, value in tensors.items())


def test_a_writer_that_dies_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x.safetensors"
    checkpoint.write(path, {"a": torch.ones(2)}, {})

    def die(descriptor):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", die)
    with pytest.raises(OSError, match="disk full"):
        checkpoint.write(path, {"a": torch.zeros(2)}, {})
    assert checkpoint.read(path)[0]["a"].tolist() == [1, 1]
    assert list(tmp_path.iterdir()) == [path]


def test_what_killed_writers_left_is_removed(tmp_path):
    for name in (".tmp-0123abcd_7_0123-model.safetensors", ".model.safetensors.7.partial", "model.safetensors"):
        (tmp_path / name).write_bytes(b"x")
    checkpoint.remove_partial(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_a_flipped_bit_anywhere_in_a_file_is_told(tmp_path):
    path = tmp_path / "x.safetensors"
    checkpoint.write(path, {"a": torch.arange(4.0), "b": torch.ones(1, dtype=torch.bfloat16)}, {"epoch": 3})
    whole = path.read_bytes()
    name = whole.index(checkpoint.DIGEST.encode())  # without this name, the file reads as one from before digests
    for place in set(range(len(whole))) - set(range(name, name + len(checkpoint.DIGEST))):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(StoreError):
            checkpoint.read(path)


def test_a_file_from_before_there_were_digests_is_read(tmp_path):
    from safetensors.torch import save_file

    save_file({"a": torch.ones(2)}, tmp_path / "x.safetensors", {checkpoint.FACTS: '{"epoch": 3}'})
    assert checkpoint.read(tmp_path / "x.safetensors")[1] == {"epoch": 3}


@pytest.mark.parametrize("kept", [0, 5, 40, -1])
def test_a_file_that_is_cut_off_is_named_and_told_to_be_deleted(tmp_path, kept):
    path = tmp_path / "x.safetensors"
    checkpoint.write(path, {"a": torch.ones(2)}, {})
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(StoreError, match=r"x\.safetensors: damaged: "):
        checkpoint.read(path)


def test_a_file_without_our_facts_is_not_ours(tmp_path):
    from safetensors.torch import save_file

    save_file({"a": torch.ones(2)}, tmp_path / "x.safetensors")
    with pytest.raises(StoreError, match="not written by this program"):
        checkpoint.read(tmp_path / "x.safetensors")


def test_a_model_comes_back_with_its_experts_and_settings(tmp_path):
    split = synthetic_split(4, 0)
    model = CE(split.experts, split.text, SETTINGS.architecture)
    checkpoint.write(tmp_path / checkpoint.MODEL, model.state_dict(), {"model": checkpoint.describe(model)})
    again = checkpoint.load_model(tmp_path)
    assert not again.training
    assert (again.experts, again.text_input, again.settings) == (model.experts, model.text_input, model.settings)
    torch.testing.assert_close(again.state_dict(), model.state_dict(), rtol=0, atol=0)
