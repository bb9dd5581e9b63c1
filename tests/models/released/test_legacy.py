import io
import os
import pickle
from collections import OrderedDict

import pytest
import torch

from models.released import legacy
from pipeline.errors import StoreError
from tests.models import reference_cases


def test_weights_are_those_that_pytorch_wrote(tmp_path):
    whole = torch.randn(6, 4)
    weights = OrderedDict(
        a=whole,
        part=whole[2:5],
        turned=whole.T,
        half=torch.ones(2).half(),
        count=torch.tensor(3),
        none=torch.zeros(0, 3),
    )
    path = _save(tmp_path, {"state_dict": weights, "optimizer": {"state": {0: torch.randn(9)}}, "epoch": 3})
    read = legacy.state_dict(path)
    assert list(read) == list(weights)
    for name, value in weights.items():
        assert read[name].dtype == value.dtype
        assert torch.equal(read[name], value)


def test_the_shapes_of_a_released_checkpoint_are_as_documented():
    read = legacy.state_dict(reference_cases.find("released_format_ckpt.pth"))
    expected = reference_cases.load("released_format_expected.npz").meta["state_dict"]
    assert {name: list(value.shape) for name, value in read.items()} == expected


class Harmful:
    """Runs a command in the process that unpickles it."""

    def __reduce__(self):
        return os.system, ("touch harm",)


@pytest.mark.parametrize("where", ["state_dict", "config", "optimizer"])
def test_a_name_that_is_not_needed_refuses_the_file_and_is_never_called(tmp_path, monkeypatch, where):
    monkeypatch.chdir(tmp_path)
    path = _save(tmp_path, {"state_dict": OrderedDict(a=torch.ones(1))} | {where: Harmful()})
    with pytest.raises(StoreError, match=rf"it asks for {os.system.__module__}\.system"):
        legacy.state_dict(path)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("name", ["getattr", "eval", "__import__"])
def test_no_builtin_is_within_reach(tmp_path, name):
    path = tmp_path / "x.pth"
    path.write_bytes(pickle.dumps(legacy.MAGIC, 2) + f"cbuiltins\n{name}\n.".encode())
    with pytest.raises(StoreError, match=rf"builtins\.{name}"):
        legacy.state_dict(path)


def test_allowed_names_do_not_lead_to_others(tmp_path):
    path = tmp_path / "x.pth"
    path.write_bytes(pickle.dumps(legacy.MAGIC, 2) + b"ccollections\nOrderedDict.fromkeys\n.")
    with pytest.raises(StoreError, match=r"collections\.OrderedDict\.fromkeys"):
        legacy.state_dict(path)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_file_that_is_cut_off_is_an_error(tmp_path, share):
    path = _save(tmp_path, {"state_dict": OrderedDict(a=torch.randn(50), b=torch.randn(50))})
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(StoreError, match="not a checkpoint of the published models"):
        legacy.state_dict(path)


def test_a_tensor_that_reaches_beyond_its_storage_is_an_error(tmp_path):
    path = _save(tmp_path, {"state_dict": OrderedDict(a=torch.randn(5, 5))})
    broken = path.read_bytes().replace(b"K\x05K\x05\x86", b"K\x09K\x09\x86")
    path.write_bytes(broken)
    with pytest.raises(StoreError):
        legacy.state_dict(path)


def test_a_newer_file_is_told_apart(tmp_path):
    torch.save({"state_dict": {}}, tmp_path / "x.pth")
    with pytest.raises(StoreError, match="zip archive"):
        legacy.state_dict(tmp_path / "x.pth")


def test_any_other_file_is_an_error(tmp_path):
    for content in (b"", b"text", pickle.dumps({"state_dict": {}}), io.BytesIO(b"\x80\x02").getvalue()):
        (tmp_path / "x.pth").write_bytes(content)
        with pytest.raises(StoreError):
            legacy.state_dict(tmp_path / "x.pth")


def _save(folder, value):
    torch.save(value, folder / "x.pth", _use_new_zipfile_serialization=False)
    return folder / "x.pth"
