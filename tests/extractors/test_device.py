import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from extractors.device import few_threads, resolve, share_cores
from pipeline.errors import ConfigError

NUM_CORES = len(os.sched_getaffinity(0))


@pytest.fixture
def gpus(monkeypatch):
    """As if there were so many GPUs."""

    def be(count):
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


def test_the_cpu_needs_no_torch():
    script = "import sys; from extractors.device import resolve; resolve('cpu'); print('torch' in sys.modules)"
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert told.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("workers", "device", "count"),
    [(0, "cpu", max(1, NUM_CORES // 2)), (0, "cuda:0", NUM_CORES), (3, "cpu", 3), (3, "cuda:0", 3)],
)
def test_cores_are_shared_with_networks_on_the_cpu_only(workers, device, count):
    assert share_cores(workers, device) == count


@pytest.mark.parametrize("workers", [1, NUM_CORES, 10 * NUM_CORES])
def test_networks_leave_the_workers_their_cores_and_the_threads_come_back(workers):
    before = torch.get_num_threads()
    with few_threads(workers):
        assert torch.get_num_threads() == max(1, NUM_CORES - workers)
    assert torch.get_num_threads() == before
    with pytest.raises(RuntimeError, match="a bug"), few_threads(workers):
        raise RuntimeError("a bug")
    assert torch.get_num_threads() == before


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_is_found_and_can_be_used():
    assert torch.ones(2, device=resolve("auto")).sum().item() == 2
