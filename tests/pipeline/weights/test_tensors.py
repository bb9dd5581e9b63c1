import pickle

import pytest
import torch

from pipeline.errors import WeightsError
from pipeline.weights.tensors import load_tensors


class _Evil:
    def __reduce__(self):
        return print, ("code ran",)


def test_a_checkpoint_that_holds_code_is_refused_unrun(tmp_path, capsys):
    torch.save({"state_dict": {"w": torch.zeros(2), "x": _Evil()}}, tmp_path / "evil.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(_Evil(), protocol=2))
    for name in ("evil.pth", "plain.pth"):
        with pytest.raises(WeightsError, match=r"\.pth"):
            load_tensors(tmp_path / name)
    assert capsys.readouterr().out == ""


def test_tensors_come_out_of_both_formats(tmp_path):
    from safetensors.torch import save_file

    tensors = {"a.weight": torch.arange(6.0).reshape(2, 3)}
    torch.save({"epoch": 3, "arch": "x", "state_dict": tensors}, tmp_path / "a.pth.tar")
    save_file(tensors, tmp_path / "a.safetensors")
    for name in ("a.pth.tar", "a.safetensors"):
        loaded = load_tensors(tmp_path / name)
        assert torch.equal(loaded["a.weight"], tensors["a.weight"])
