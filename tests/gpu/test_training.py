"""Training and evaluation on a GPU: the same bytes after an interruption, and the CPU's scores."""

import dataclasses

import numpy as np
import pytest
import torch

from models.config import Runtime
from models.evaluation.evaluate import similarities
from models.inputs.batches import Data, epoch
from models.training import run as runs
from models.training.checkpoint import MODEL, load_model
from models.training.hardware import choose
from models.training.history import NAME
from models.training.train import train, train_step
from tests.devices import GPU, gpu_only
from tests.models.synthetic import SETTINGS, synthetic_split

CASES = [("cpu", "fp32"), ("cpu", "bf16")]
CASES += [pytest.param(GPU, precision, marks=gpu_only) for precision in ("fp32", "tf32", "bf16", "fp16")]
on_every_hardware = pytest.mark.parametrize(("device", "precision"), CASES)


@pytest.fixture(autouse=True)
def _one_thread():
    """On networks this small, threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def settings(device, precision, epochs=6, **training):
    training = dataclasses.replace(SETTINGS.training, epochs=epochs, precision=precision, **training)
    return dataclasses.replace(SETTINGS, training=training, runtime=Runtime(device, checkpoint_s=0.0))


def trained(folder, chosen, progress=None):
    return train(synthetic_split(60, 1), synthetic_split(20, 2), chosen, 0, folder, progress)


@pytest.mark.slow
@on_every_hardware
def test_a_training_that_is_interrupted_ends_with_the_same_bytes(tmp_path, device, precision):
    chosen = settings(device, precision)

    def stop(one):
        if one.epoch == 3:
            raise KeyboardInterrupt

    whole = trained(tmp_path / "whole", chosen)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "cut", chosen, stop)
    assert trained(tmp_path / "cut", chosen) == whole
    for name in (MODEL, NAME):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@on_every_hardware
def test_a_step_on_it_is_the_cpus_step_in_float32(device, precision):
    """To within what the precision leaves: 3 digits of bfloat16 in a loss of about 3."""
    losses = []
    for chosen in (settings("cpu", "fp32"), settings(device, precision)):
        run = runs.start(synthetic_split(60, 1), chosen, 0, choose(chosen.runtime, chosen.training))
        run.model.train()
        there = Data(synthetic_split(60, 1), run.hardware.device, trim=True)
        losses.append([float(train_step(run, batch, 0.01)) for batch in epoch(there, 16, run.generator)])
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-3 if precision == "fp32" else 5e-2)


ARCHITECTURES = {
    "padding ignored": {"mask_padding": True},
    "as released": {"mask_padding": False, "standardise": False},
    "in parallel": {"gating": "parallel", "mask_padding": False, "standardise": False},
    "moee": {"gating": "moee", "mask_padding": True},
    "mixed": {"gating": "concat_mix", "mask_padding": True},
}


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("device", [pytest.param(GPU, marks=gpu_only)])
def test_steps_that_are_recorded_are_those_kernel_by_kernel(device, name, precision):
    chosen = settings(device, precision)
    chosen = dataclasses.replace(chosen, architecture=dataclasses.replace(chosen.architecture, **ARCHITECTURES[name]))
    losses, states = [], []
    for is_recorded in (True, False):
        run = runs.start(synthetic_split(60, 1), chosen, 0, choose(chosen.runtime, chosen.training))
        recorder = run.captured
        run = dataclasses.replace(run, captured=recorder if is_recorded else None)
        run.model.train()
        there = Data(synthetic_split(60, 1), run.hardware.device, trim=False)
        batches = [batch for _ in range(2) for batch in epoch(there, 16, run.generator)]
        losses.append([float(train_step(run, batch, 0.01)) for batch in batches])
        states.append(run.model.state_dict())
        assert (recorder._recording is not None) == is_recorded
        assert not is_recorded or recorder._recording._loss.grad_fn is None, "or later passes would be of two streams"
        assert len({len(batch.texts.counts) for batch in batches}) == 2, "those at the end are smaller"
    tolerance = 1e-4 if precision == "fp32" else 2e-2
    np.testing.assert_allclose(losses[0], losses[1], rtol=tolerance)
    for key, value in states[1].items():
        torch.testing.assert_close(states[0][key], value, rtol=tolerance, atol=tolerance)


@on_every_hardware
def test_scores_are_float32_whatever_the_training_was(tmp_path, device, precision):
    trained(tmp_path, settings(device, precision, epochs=1))
    test = synthetic_split(40, 3)
    found, expected = (similarities(load_model(tmp_path, where), test) for where in (device, "cpu"))
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(("device", "precision"), [pytest.param(GPU, "fp32", marks=gpu_only)])
def test_vectors_that_do_not_fit_on_the_gpu_train_the_same(tmp_path, device, precision, monkeypatch):
    expected = trained(tmp_path / "fits", settings(device, precision))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (0, 1 << 41))
    assert trained(tmp_path / "does_not", settings(device, precision)) == expected
