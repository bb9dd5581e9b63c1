"""The devices that a test is run on: the CPU always, the first GPU where there is one."""

import pytest
import torch

GPU = "cuda:0"
gpu_only = (
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here"),
)
EVERY_DEVICE = ("cpu", pytest.param(GPU, marks=gpu_only))
on_every_device = pytest.mark.parametrize("device", EVERY_DEVICE)
