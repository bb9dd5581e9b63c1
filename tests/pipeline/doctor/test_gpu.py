"""Answers of the probe are made up: what torch says was copied from its own messages."""

import pytest

from pipeline.doctor import gpu

TOO_OLD = (
    "RuntimeError: The NVIDIA driver on your system is too old (found version 11040). Please update your GPU driver"
)
FINE = {"name": "NVIDIA H100", "free": 70e9, "total": 80e9, "why": ""}


@pytest.fixture
def root(tmp_path):
    """The root of a system with a GPU and its driver."""
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/nvidia0").touch()
    (tmp_path / "proc/driver/nvidia").mkdir(parents=True)
    text = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.15  Tue Jan 14 17:40:42 UTC 2025\n"
    (tmp_path / "proc/driver/nvidia/version").write_text(text)
    return tmp_path


def only(told, root):
    (finding,) = gpu.with_gpu(told, root)
    return finding


def test_a_gpu_is_seen_by_its_device_or_its_driver(root, tmp_path):
    assert gpu.has_nvidia(root)
    (root / "dev/nvidia0").unlink()
    assert gpu.has_nvidia(root)
    assert gpu.driver_version(root) == "570.86.15"
    (root / "proc/driver/nvidia/version").unlink()
    assert not gpu.has_nvidia(root)
    assert gpu.driver_version(root) == ""


def test_each_gpu_that_computes_is_listed(root):
    found = list(gpu.with_gpu({"torch": "2.8.0", "cuda": "12.8", "devices": [FINE, FINE | {"free": 1e9}]}, root))
    assert [finding.state for finding in found] == ["ok", "note"]
    assert found[0].found == "cuda:0, NVIDIA H100, 70.0 of 80.0 GB free (driver 570.86.15, torch 2.8.0, CUDA 12.8)"
    assert "nvidia-smi" in found[1].advice


@pytest.mark.parametrize(
    ("told", "found", "advice"),
    [
        ({"torch": "2.8.0+cpu", "cuda": None, "devices": []}, "is built without CUDA", "pip install --force-reinstall"),
        ({"torch": "2.8.0", "cuda": "12.8", "devices": [], "why": TOO_OLD}, "too old", "update the NVIDIA driver"),
        ({"torch": "2.8.0", "cuda": "12.8", "devices": [], "why": "no"}, "cannot use it", "if nvidia-smi fails"),
        ({"error": "OSError: libcudart.so.12: cannot open"}, "cannot be imported: OSError: libcudart", "reinstall"),
        (
            {"torch": "2.8.0", "cuda": "12.8", "devices": [FINE | {"why": "CUDA error: no kernel image is available"}]},
            "does not compute",
            "built for this GPU",
        ),
    ],
)
def test_a_gpu_that_torch_cannot_use_is_a_fault_with_what_to_do(root, monkeypatch, told, found, advice):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    finding = only(told, root)
    assert finding.state == "fault"
    assert found in finding.found
    assert advice in finding.advice


def test_a_gpu_that_is_hidden_is_told_so(root, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    told = {"torch": "2.8.0", "cuda": "12.8", "devices": [], "why": "No CUDA GPUs are available"}
    assert "unset CUDA_VISIBLE_DEVICES" in only(told, root).advice
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    (root / "dev/nvidia0").unlink()
    assert "docker run --gpus all" in only(told, root).advice


def test_without_a_gpu_torch_is_looked_at_from_outside():
    import torch

    (finding,) = gpu.without_gpu()
    assert finding.state == "ok"
    assert f"torch {torch.__version__}, " in finding.found
    assert gpu.torch_build() == (torch.__version__, torch.version.cuda)


def test_a_missing_torch_is_a_fault(monkeypatch):
    monkeypatch.setattr(gpu.importlib.util, "find_spec", lambda name: None)
    (finding,) = gpu.without_gpu()
    assert (finding.state, finding.advice) == ("fault", "pip install torch torchvision")
