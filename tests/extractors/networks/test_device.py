import subprocess
import sys
from pathlib import Path

import pytest
import torch

from extractors.networks import device as device_module
from extractors.networks.device import resolve, resolve_all, share_cores
from pipeline.errors import ConfigError


@pytest.fixture
def gpus(monkeypatch):
    """As if there were so many GPUs."""

    def be(count):
        monkeypatch.setattr(device_module, "_may_have_gpu", lambda: True)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)

    return be


@pytest.mark.parametrize(
    ("setting", "count", "device"),
    [
        ("auto", 0, "cpu"),
        ("auto", 1, "cuda:0"),
        ("auto", 4, "cuda:0"),
        ("cpu", 0, "cpu"),
        ("cpu", 4, "cpu"),
        ("cuda", 1, "cuda:0"),
        ("cuda:0", 1, "cuda:0"),
        ("cuda:3", 4, "cuda:3"),
    ],
)
def test_a_setting_is_a_device(gpus, setting, count, device):
    gpus(count)
    assert resolve(setting) == device


@pytest.mark.parametrize(
    ("setting", "count", "said"),
    [
        ("cuda", 0, "there are 0 GPUs here; use auto or cpu"),
        ("cuda:1", 1, "there are 1 GPUs here"),
        ("cuda:-1", 4, "expected auto, cpu, cuda or cuda:<n>"),
        ("cuda:x", 4, "expected auto, cpu, cuda or cuda:<n>"),
        ("cuda:0:1", 4, "expected"),
        ("gpu", 4, "expected"),
        ("CPU", 4, "expected"),
        ("", 4, "expected"),
        ("mps", 4, "expected"),
    ],
)
def test_a_device_that_is_not_there_is_told(gpus, setting, count, said):
    gpus(count)
    with pytest.raises(ConfigError) as caught:
        resolve(setting)
    assert said in str(caught.value)
    assert repr(setting) in str(caught.value)


@pytest.mark.parametrize(
    ("setting", "count", "devices"),
    [
        ("auto", 0, ("cpu",)),
        ("auto", 1, ("cuda:0",)),
        ("auto", 3, ("cuda:0", "cuda:1", "cuda:2")),
        ("cuda", 3, ("cuda:0",)),
        ("cuda:2, cuda:0", 3, ("cuda:2", "cuda:0")),
        ("cuda:0,cuda:0", 1, ("cuda:0", "cuda:0")),
        ("cpu,cpu", 0, ("cpu", "cpu")),
    ],
)
def test_a_setting_may_be_several_devices(gpus, setting, count, devices):
    gpus(count)
    assert resolve_all(setting) == devices


def test_each_of_several_devices_must_be_there(gpus):
    gpus(2)
    for setting, said in (("cuda:0,cuda:2", "device 'cuda:2': there are 2 GPUs"), ("cuda:0,", "device ''"), ("", "''")):
        with pytest.raises(ConfigError, match=said):
            resolve_all(setting)


def test_the_cpu_needs_no_torch_nor_does_a_machine_without_the_driver_of_a_gpu():
    script = """if True:
        import ctypes, sys
        from extractors.networks.device import resolve
        def without_driver(name): raise OSError(name)
        ctypes.CDLL = without_driver
        print(resolve("cpu"), resolve("auto"), "torch" in sys.modules)
    """
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3]
    )
    assert told.stdout.strip() == "cpu cpu False"


def test_where_a_driver_is_there_torch_says_whether_there_is_a_gpu(monkeypatch):
    monkeypatch.setattr(device_module.sys, "modules", {})
    monkeypatch.setattr(device_module.sys, "platform", "linux")
    monkeypatch.setattr(device_module.ctypes, "CDLL", lambda name: name)
    assert device_module._may_have_gpu()


@pytest.mark.parametrize(
    ("workers", "device", "count"),
    [(0, "cpu", 6), (0, "cuda:0", 12), (3, "cpu", 3), (3, "cuda:0", 3)],
)
def test_cores_are_shared_with_networks_on_the_cpu_only(workers, device, count, monkeypatch):
    monkeypatch.setattr(device_module, "num_workers", lambda setting: setting or 12)
    assert share_cores(workers, device) == count


@pytest.mark.parametrize(("cores", "count"), [(1, 1), (2, 2), (3, 2), (4, 2), (8, 4)])
def test_two_cores_decode_both_and_one_decodes_alone(cores, count, monkeypatch):
    monkeypatch.setattr(device_module, "num_workers", lambda setting: setting or cores)
    assert share_cores(0, "cpu") == count


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_is_found_and_can_be_used():
    assert torch.ones(2, device=resolve("auto")).sum().item() == 2
