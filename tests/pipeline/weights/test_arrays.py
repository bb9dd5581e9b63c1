import pickle
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import torch

from pipeline.weights.arrays import load_arrays
from pipeline.weights.tensors import load_tensors


class _Evil:
    def __reduce__(self):
        return print, ("code ran",)


def tensors():
    generator = torch.Generator().manual_seed(0)
    shapes = {"a.weight": (5, 3, 2), "a.bias": (5,), "b.weight": (7, 5), "scale": ()}
    return OrderedDict((name, torch.randn(shape, generator=generator)) for name, shape in shapes.items())


def shapes_of(given):
    return {name: tuple(tensor.shape) for name, tensor in given.items()}


def save(given, path):
    if path.suffix == ".safetensors":
        from safetensors.torch import save_file

        save_file(dict(given), path)
    else:
        torch.save(given, path, _use_new_zipfile_serialization="old" not in path.name)


@pytest.mark.parametrize("name", ["a.pth", "old.pth", "a.safetensors"])
def test_the_numbers_are_those_that_torch_reads(tmp_path, name):
    save(tensors(), tmp_path / name)
    found, expected = load_arrays(tmp_path / name, shapes_of(tensors())), load_tensors(tmp_path / name)
    assert found.keys() == expected.keys()
    for key, tensor in expected.items():
        np.testing.assert_array_equal(found[key], tensor.numpy())
        assert found[key].flags.aligned


@pytest.mark.parametrize("name", ["a.pth", "old.pth"])
def test_a_state_dict_may_lie_in_a_checkpoint_and_tensors_may_share_their_numbers(tmp_path, name):
    base = torch.arange(12.0)
    given = {"first": base[:4].reshape(2, 2), "rest": base[4:]}
    save({"epoch": 3, "state_dict": given}, tmp_path / name)
    found = load_arrays(tmp_path / name, shapes_of(given))
    assert found["first"].tolist() == [[0, 1], [2, 3]]
    assert found["rest"].tolist() == list(range(4, 12))


@pytest.mark.parametrize("name", ["a.pth", "old.pth"])
def test_the_state_dict_of_a_module_is_read_with_its_versions(tmp_path, name):
    module = torch.nn.Linear(3, 2)
    save(module.state_dict(), tmp_path / name)
    found = load_arrays(tmp_path / name, {"weight": (2, 3), "bias": (2,)})
    np.testing.assert_array_equal(found["weight"], module.weight.detach().numpy())


@pytest.mark.parametrize("name", ["a.pth", "old.pth", "a.safetensors"])
@pytest.mark.parametrize(
    "change",
    [
        {"a.weight": torch.zeros(5, 3, 2, dtype=torch.float64)},
        {"a.weight": torch.zeros(5, 3, 2, dtype=torch.bfloat16)},
        {"a.weight": torch.zeros(5, 2, 3)},
        {"more": torch.zeros(1)},
    ],
)
def test_what_is_not_asked_for_is_left_to_torch(tmp_path, name, change):
    save(tensors() | change, tmp_path / name)
    assert load_arrays(tmp_path / name, shapes_of(tensors())) is None


@pytest.mark.parametrize("name", ["a.pth", "old.pth"])
def test_a_tensor_that_is_no_plain_block_is_left_to_torch(tmp_path, name):
    turned = torch.arange(6.0).reshape(2, 3).T
    save({"turned": turned}, tmp_path / name)
    assert load_arrays(tmp_path / name, {"turned": (3, 2)}) is None


def test_code_is_not_run(tmp_path, capsys):
    for name in ("evil.pth", "old.pth"):
        save({"w": torch.zeros(2), "x": _Evil()}, tmp_path / name)
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(_Evil(), protocol=2))
    for name in ("evil.pth", "old.pth", "plain.pth"):
        assert load_arrays(tmp_path / name, {"w": (2,)}) is None
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["a.pth", "old.pth", "a.safetensors"])
def test_a_file_that_was_cut_is_left_to_torch(tmp_path, name):
    save(tensors(), tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    for length in range(0, len(whole), 37):
        (tmp_path / name).write_bytes(whole[:length])
        assert load_arrays(tmp_path / name, shapes_of(tensors())) is None


def test_what_is_to_say_the_byte_order_is_not_unpacked_when_it_is_too_long_for_that(tmp_path, monkeypatch):
    save(tensors(), tmp_path / "a.pth")
    with zipfile.ZipFile(tmp_path / "a.pth") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(tmp_path / "b.pth", "w") as archive:
        for name, data in members.items():
            bomb = name.endswith("byteorder")
            archive.writestr(name, bytes(10**6) if bomb else data, zipfile.ZIP_DEFLATED if bomb else zipfile.ZIP_STORED)
    unpacked, read = [], zipfile.ZipFile.read
    monkeypatch.setattr(
        zipfile.ZipFile, "read", lambda self, member: (unpacked.append(member.filename), read(self, member))[1]
    )
    assert load_arrays(tmp_path / "b.pth", shapes_of(tensors())) is None
    assert unpacked == []


def test_a_compressed_archive_and_one_of_another_byte_order_are_left_to_torch(tmp_path):
    save(tensors(), tmp_path / "a.pth")
    with zipfile.ZipFile(tmp_path / "a.pth") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    big = {name: b"big" if name.endswith("byteorder") else content for name, content in members.items()}
    for content, compression in ((members, zipfile.ZIP_DEFLATED), (big, zipfile.ZIP_STORED)):
        with zipfile.ZipFile(tmp_path / "b.pth", "w", compression) as archive:
            for name, data in content.items():
                archive.writestr(name, data)
        assert load_arrays(tmp_path / "b.pth", shapes_of(tensors())) is None
    with zipfile.ZipFile(tmp_path / "b.pth", "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    assert load_arrays(tmp_path / "b.pth", shapes_of(tensors())) is not None
