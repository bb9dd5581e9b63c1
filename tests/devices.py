"""The devices that a test is run on: the CPU always, the first GPU where there is one."""

import pytest
import torch

GPU = "cuda:0"
CPU_AS_GPU = "cpu:0"
"""The CPU under another name than "cpu", so that what is written for a GPU runs on it."""
gpu_only = (
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here"),
)
EVERY_DEVICE = ("cpu", pytest.param(GPU, marks=gpu_only))
on_every_device = pytest.mark.parametrize("device", EVERY_DEVICE)


def nothing_is_pinned_without_a_gpu(monkeypatch):
    """Memory cannot be pinned for a GPU that is not there."""
    if not torch.cuda.is_available():
        monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor)
