import os

import pytest

from extractors.executors.device_process import see_only


@pytest.mark.parametrize(
    ("visible", "device", "sees", "called"),
    [
        ("", "cpu", "", "cpu"),
        ("", "cuda:1", "1", "cuda:0"),
        ("4,2", "cuda:1", "2", "cuda:0"),
        ("GPU-8932f937,GPU-72d3", "cuda:0", "GPU-8932f937", "cuda:0"),
    ],
)
def test_a_process_sees_its_own_gpu_alone(monkeypatch, visible, device, sees, called):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert see_only(device) == called
    assert os.environ["CUDA_VISIBLE_DEVICES"] == sees
