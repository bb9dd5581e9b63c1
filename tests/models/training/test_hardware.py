import dataclasses

import pytest
import torch

from models.config import Runtime
from models.training.hardware import choose
from pipeline.errors import ConfigError
from tests.models.synthetic import SETTINGS


@pytest.fixture
def without_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture
def with_two_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


def test_without_a_gpu_it_is_float32_on_the_cpu(without_gpu):
    hardware = choose(Runtime())
    assert (hardware.device.type, hardware.dtype) == ("cpu", torch.float32)


def in_precision(precision):
    return dataclasses.replace(SETTINGS.training, precision=precision)


def test_with_a_gpu_products_are_of_float32_too_unless_asked_otherwise(with_two_gpus):
    hardware = choose(Runtime(), SETTINGS.training)
    assert (hardware.device.type, hardware.dtype) == ("cuda", torch.float32)


def test_what_is_asked_for_is_taken(with_two_gpus):
    hardware = choose(Runtime("cuda:1"), in_precision("fp16"))
    assert (str(hardware.device), hardware.dtype) == ("cuda:1", torch.float16)
    assert choose(Runtime("cpu"), in_precision("bf16")).dtype == torch.bfloat16


def test_a_gpu_that_is_not_there_is_an_error(with_two_gpus, monkeypatch):
    with pytest.raises(ConfigError, match="cuda:2, but PyTorch sees no such GPU"):
        choose(Runtime("cuda:2"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="set auto or cpu"):
        choose(Runtime("cuda"))


@pytest.mark.parametrize("precision", ["fp16", "tf32"])
def test_what_only_a_gpu_has_is_an_error_without_one(without_gpu, precision):
    with pytest.raises(ConfigError, match=f"{precision} needs a GPU"):
        choose(Runtime("auto"), in_precision(precision))


@pytest.mark.parametrize(("precision", "allowed"), [("fp32", False), ("tf32", True), ("bf16", False)])
def test_float32_on_a_gpu_is_float32_unless_tf32_is_asked_for(with_two_gpus, precision, allowed):
    before = torch.backends.cudnn.allow_tf32
    with choose(Runtime("cuda"), in_precision(precision)).float32_products():
        assert torch.backends.cudnn.allow_tf32 == torch.backends.cuda.matmul.allow_tf32 == allowed
    assert torch.backends.cudnn.allow_tf32 == before


def test_products_are_of_the_chosen_type(without_gpu):
    x = torch.ones(2, 2)
    for precision, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        with choose(Runtime("cpu"), in_precision(precision)).autocast():
            assert (x @ x).dtype == dtype


def test_only_float16_needs_its_gradients_scaled(without_gpu):
    assert not choose(Runtime("cpu"), in_precision("bf16")).scaler().is_enabled()
