"""Whether everything is on the GPU that has to be, checked without one.

PyTorch can pretend: tensors that have a shape, a type and a device, and no numbers. Operations on two devices, or on
two types that do not go together, fail on them as they would on a GPU; autocast casts them too.
"""

import dataclasses
import functools
import importlib
from contextlib import contextmanager, nullcontext
from unittest import mock

import numpy as np
import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from extractors import registry
from extractors.base import Embedded
from extractors.networks import base, labelled
from models.config import Runtime
from models.inputs.batches import Batch, Texts, Videos
from models.training import run as runs
from models.training.hardware import Hardware
from models.training.train import batch_loss
from pipeline.weights.files import WeightOptions
from tests.devices import GPU
from tests.extractors.run_experts import EXPERTS
from tests.models.synthetic import SETTINGS, synthetic_split

ITEMS = {
    "audio": (2, 96, 64),
    "audio_ast": (2, 163840),
    "clip_siglip2": (2, 224, 224, 3),
    "flow": (2, 17, 128, 128, 3),
    "motion": (1, 64, 224, 224, 3),
    "motion_ig65m": (1, 32, 112, 112, 3),
    "motion_mvit": (1, 16, 224, 224, 3),
    "rgb": (2, 224, 224, 3),
    "rgb_resnet50": (2, 224, 224, 3),
    "scene": (2, 224, 224, 3),
}
"""Expert -> the shape of a batch: those that give one vector an item, for the others ask NumPy on the way."""
SOUND = {"audio", "audio_ast"}
QUICK = {"audio", "flow", "motion", "rgb_resnet50"}
PRETENDING = functools.cache(lambda: FakeTensorMode(allow_non_fake_inputs=True))


@contextmanager
def bfloat16_on_a_gpu():
    """What autocast switches on, which refuses to where no GPU is."""
    torch.set_autocast_enabled("cuda", True)
    torch.set_autocast_dtype("cuda", torch.bfloat16)
    torch.set_autocast_cache_enabled(False)
    try:
        yield
    finally:
        torch.set_autocast_enabled("cuda", False)
        torch.set_autocast_cache_enabled(True)


def pretend_to_move(network, device, is_channels_last=True):
    """What `to` moves: parameters and buffers. A tensor that is neither stays behind, as it would."""
    network.eval().requires_grad_(False)
    with PRETENDING():
        for module in network.modules():
            for held in (module._parameters, module._buffers):
                for name, tensor in held.items():
                    if tensor is not None:
                        moved = torch.empty(tensor.shape, dtype=tensor.dtype, device=device)
                        held[name] = nn.Parameter(moved, requires_grad=False) if held is module._parameters else moved
    return network


def without_file(self, part, network, *rest):
    """The network with what its library gave it; what has no values yet gets memory at least."""
    return network.to_empty(device="cpu") if any(one.is_meta for one in network.state_dict().values()) else network


@pytest.fixture
def pretending(monkeypatch):
    """Networks keep the weights that their library gives them, and go to a GPU that is none."""
    monkeypatch.setattr(base.NetworkPlugin, "with_weights", without_file)
    monkeypatch.setattr(torch.backends.cudnn, "enabled", False)  # its own kernels cannot pretend

    def load(extractor):
        for module in (base, labelled, importlib.import_module(type(extractor).__module__)):
            if hasattr(module, "network_to_device"):
                monkeypatch.setattr(module, "network_to_device", pretend_to_move)
        extractor.load(GPU)

    return load


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in ITEMS]
)
def test_a_network_and_its_input_are_on_the_gpu_and_of_types_that_go_together(name, pretending):
    extractor = registry.expert(name, EXPERTS, WeightOptions(seeded=True)).extractor
    pretending(extractor)
    items = np.zeros(ITEMS[name], np.float32 if name in SOUND else np.uint8)
    seen = []

    def run(self, given, preprocess=lambda batch: batch):
        with PRETENDING(), torch.inference_mode():
            batch = torch.empty(given.shape, dtype=torch.from_numpy(given).dtype, device=GPU)
            seen.append(self.forward(preprocess(batch)).float())
            if getattr(self, "head", None) is not None and not torch.is_autocast_enabled("cuda"):  # off for the head
                assert self.head(seen[-1]).device == torch.device(GPU)
        return Embedded.one_per_item(np.ones(tuple(seen[-1].shape), np.float32))

    with mock.patch.object(type(extractor), "run", run):
        for precision in (nullcontext, bfloat16_on_a_gpu):
            with precision():
                embedded = extractor.embed(items)
            assert embedded.values.shape == (len(items), extractor.dim)
            assert seen[-1].device == torch.device(GPU)


@pytest.mark.parametrize("precision", [nullcontext, bfloat16_on_a_gpu])
@pytest.mark.parametrize("gating", ["sequential", "parallel", "triplet", "star", "none", "moee", "concat_mix"])
def test_the_loss_of_a_batch_is_on_the_gpu_and_of_types_that_go_together(gating, precision):
    # How many tokens are real, which `mask_padding` asks for, is a number, and there are none.
    architecture = dataclasses.replace(SETTINGS.architecture, gating=gating, mask_padding=False, standardise=False)
    data = synthetic_split(8, 1)
    run = runs.start(
        data,
        dataclasses.replace(SETTINGS, architecture=architecture, runtime=Runtime("cpu")),
        0,
        Hardware(torch.device("cpu"), torch.float32),
    )
    for module in (run.model, run.loss):
        pretend_to_move(module, GPU)
        module.train()
    with PRETENDING(), mock.patch.object(Hardware, "autocast", lambda self: precision()):
        loss = batch_loss(run, a_batch(data))  # without its gradients, for which PyTorch asks the driver
    assert (loss.device, loss.dtype) == (torch.device(GPU), torch.float32)


def a_batch(data, videos=4):
    """What a batch of these experts looks like on a GPU."""
    empty = functools.partial(torch.empty, device=GPU)
    experts = {
        one.name: empty(videos, one.max_tokens, one.dim) if one.pool == "vlad" else empty(videos, one.dim)
        for one in data.experts
    }
    available = {one.name: empty(videos, dtype=torch.bool) for one in data.experts}
    counts = {one.name: empty(videos, dtype=torch.int64) for one in data.experts if one.pool == "vlad"}
    texts = Texts(empty(videos, data.text.max_tokens, data.text.dim), empty(videos, dtype=torch.int64), {})
    return Batch(Videos(experts, available, counts, {}), texts, None)
