import pickle

import pytest
import torch

from pipeline.errors import WeightsError
from pipeline.weights.tensors import by_order, load_tensors


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


def test_by_order_gives_each_tensor_the_name_that_the_network_has_at_its_place():
    given = {"stem.0.weight": torch.ones(2, 3), "stem.0.bias": torch.zeros(2)}
    own = {"conv.weight": torch.zeros(2, 3), "conv.bias": torch.zeros(2)}
    renamed = by_order(given, own)
    assert list(renamed) == list(own)
    assert renamed["conv.weight"] is given["stem.0.weight"]


def test_by_order_keeps_names_that_are_the_networks_own_in_whatever_order():
    own = {"a.weight": torch.zeros(2), "b.weight": torch.zeros(2)}
    given = {"b.weight": torch.ones(2), "a.weight": torch.zeros(2)}
    assert by_order(given, own) == given


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"x.weight": (2, 3)}, "1 tensors in the file, 2 in the network"),
        ({"x.weight": (3, 2), "x.bias": (2,)}, r"x.weight \(3, 2\) stands where the network has conv.weight \(2, 3\)"),
        ({"x.weight": (2, 3), "x.running_mean": (2,)}, r"x.running_mean \(2,\) stands where .* conv.bias \(2,\)"),
    ],
)
def test_by_order_refuses_what_does_not_fit(given, told):
    own = {"conv.weight": torch.zeros(2, 3), "conv.bias": torch.zeros(2)}
    with pytest.raises(WeightsError, match=told):
        by_order({name: torch.zeros(shape) for name, shape in given.items()}, own)


def test_by_order_refuses_what_is_no_tensor():
    with pytest.raises(WeightsError, match="epoch"):
        by_order({"epoch": 3}, {"conv.weight": torch.zeros(2)})
