import logging
import sys
import threading
import time
import types
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch

from extractors.base import Embedded, FrameNeed
from extractors.configs import ExpertConfig, Runtime
from extractors.extraction.batches import Batches, _precision
from extractors.registry import NamedExpert


class Small:
    """Fits `room` items; the feature of an item is its value, and odd items have two rows."""

    dim, need = 1, FrameNeed(1.0)

    def __init__(self, room):
        self.room, self.sizes, self.dtypes, self.compiled = room, [], [], False
        self.is_onnx = self.is_light = False
        self.device = ""

    def load_without_torch(self):
        return self.is_light

    def load(self, device):
        self.device = device

    def compile(self):
        self.compiled = True

    def use_onnx_runtime(self):
        self.is_onnx = True

    def embed(self, items):
        if len(items) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        self.sizes.append(len(items))
        self.dtypes.append((torch.zeros(2, 2) @ torch.zeros(2, 2)).dtype)
        index = np.repeat(np.arange(len(items)), items.astype(int) % 2 + 1)
        values = items[index, None].astype(np.float32)
        faults = {at: f"{item} is unlucky" for at, item in enumerate(items) if item in (4, 9)}
        return Embedded(values, index, {"twice": 2 * values}, np.zeros((len(index), 2)), faults)


def batches(expert, precision="fp32", **runtime):
    settings = replace(ExpertConfig("small", "rgb", precision=precision), runtime=Runtime(**runtime))
    made = Batches(NamedExpert("small", settings, expert, {}), "cpu")
    made.load()
    return made


def test_a_batch_that_does_not_fit_goes_in_parts_and_is_told_once(caplog):
    small, whole = Small(room=3), Small(room=100)
    items = np.arange(11)
    with caplog.at_level(logging.WARNING):
        halved = batches(small)
        done = [halved.embed(items), halved.embed(items)]
    expected = batches(whole).embed(items)
    for found in done:
        np.testing.assert_array_equal(found.values, expected.values)
        np.testing.assert_array_equal(found.item_index, expected.item_index)
        np.testing.assert_array_equal(found.extras["twice"], expected.extras["twice"])
        assert found.times_s.shape == expected.times_s.shape
        assert found.faults == {4: "4 is unlucky", 9: "9 is unlucky"}
    assert max(small.sizes) <= 3
    assert len(caplog.records) == 1
    assert "batch_size" in caplog.text


def test_what_fitted_is_where_the_next_batch_starts():
    small = Small(room=4)
    halved = batches(small)
    halved.embed(np.arange(8))
    small.sizes.clear()
    halved.embed(np.arange(8))
    assert small.sizes == [4, 4]


def test_an_error_stays_itself_while_another_thread_imports_torch(monkeypatch):
    class Broken(Small):
        def embed(self, items):
            raise RuntimeError("broken")

    broken = batches(Broken(room=3))
    monkeypatch.setattr("extractors.extraction.batches._precision", lambda *_: nullcontext())
    monkeypatch.setitem(sys.modules, "torch", types.ModuleType("torch"))
    with pytest.raises(RuntimeError, match="broken"):
        broken.embed(np.arange(4))


def test_one_item_that_does_not_fit_is_an_error_and_so_is_anything_else():
    with pytest.raises(torch.OutOfMemoryError):
        batches(Small(room=0)).embed(np.arange(4))

    class Broken(Small):
        def embed(self, items):
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        batches(Broken(1)).embed(np.arange(4))


@pytest.mark.parametrize(("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_precision_is_that_of_the_yaml_whatever_the_device(precision, dtype):
    small = Small(room=9)
    batches(small, precision=precision).embed(np.arange(2))
    assert small.dtypes == [dtype]


def test_float32_on_a_gpu_is_float32_and_not_tf32(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    with _precision("fp32", "cuda:0"):
        assert not torch.backends.cudnn.allow_tf32
        assert not torch.backends.cuda.matmul.allow_tf32
    assert torch.backends.cudnn.allow_tf32


def test_networks_are_compiled_only_when_asked_for():
    small = Small(room=9)
    batches(small)
    assert not small.compiled
    batches(small, compile=True)
    assert small.compiled


@pytest.mark.parametrize(("precision", "device", "expected"), [("fp32", "cpu", True), ("bf16", "cpu", False)])
def test_onnx_runtime_is_for_float32_and_only_when_asked_for(precision, device, expected):
    small = Small(room=9)
    batches(small)
    assert not small.is_onnx
    batches(small, onnx=True, precision=precision)
    assert small.is_onnx == expected


def test_networks_are_loaded_once_by_whichever_thread_is_first_and_the_others_wait():
    class Slow(Small):
        loads = 0

        def load(self, device):
            time.sleep(0.1)
            self.loads += 1

    slow = Slow(room=3)
    made = Batches(NamedExpert("small", ExpertConfig("small", "rgb"), slow, {}), "cpu")
    seen = []
    threads = [threading.Thread(target=lambda: (made.load(), seen.append(slow.loads))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert seen == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("precision", "runtime", "device"),
    [("fp32", {}, ""), ("fp32", {"onnx": True}, ""), ("bf16", {}, "cpu"), ("fp32", {"compile": True}, "cpu")],
)
def test_an_expert_is_loaded_without_torch_where_that_changes_nothing(precision, runtime, device):
    light = Small(room=3)
    light.is_light = True
    batches(light, precision, **runtime)
    assert light.device == device
