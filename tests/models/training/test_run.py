import dataclasses

import numpy as np
import pytest
import torch

from models.config import NOT_TRAINED, Runtime
from models.fusion.fixed import Start
from models.inputs.aligned import Aligned
from models.training import run as runs
from models.training.hardware import choose
from tests.models.synthetic import SETTINGS, aligned_split, synthetic_split


def test_a_restored_run_is_the_run_that_was_saved():
    one, other = _start(seed=0), _start(seed=1)
    for param in one.model.parameters():
        param.grad = torch.ones_like(param)
    one.optimizer.step(0.1)
    one.best = {"a": torch.ones(2)}
    torch.rand(3, generator=one.generator)
    numbers = {key: value.clone() for key, value in runs.tensors(one).items()}
    runs.restore(other, numbers, runs.facts(one))
    assert runs.facts(other) == runs.facts(one)
    assert runs.tensors(other).keys() == numbers.keys()
    assert all(torch.equal(value, numbers[key]) for key, value in runs.tensors(other).items())


def test_everything_that_chance_and_gradients_move_is_in_the_file():
    run = _start(seed=0)
    parts = {key.split("/")[0] for key in runs.tensors(run)}
    assert parts == {"model", "average", "loss", "optimizer", "generator"}
    moved = sum(param.numel() for param in [*run.model.parameters(), *run.loss.parameters()])
    kept = sum(value.numel() for key, value in runs.tensors(run).items() if key.startswith("optimizer/mean/"))
    assert kept == moved


def test_the_seed_decides_the_first_weights():
    same, again, different = (_start(seed).model.state_dict() for seed in (0, 0, 1))
    torch.testing.assert_close(same, again, rtol=0, atol=0)
    assert not torch.equal(same["text_pool.clusters"], different["text_pool.clusters"])


def test_inputs_are_standardised_by_the_training_split():
    split, run = synthetic_split(12, 0), _start(seed=0)
    index = [expert.name for expert in run.model.experts].index("signal")
    expected = torch.from_numpy(split.features["signal"].values.mean(0))
    torch.testing.assert_close(run.model.inputs[index].mean, expected)


@pytest.mark.parametrize(("head", "is_weighed"), [("residual", True), ("zero_shot", False)])
def test_a_residual_network_begins_with_fixed_weights_and_one_without_training_with_even_ones(head, is_weighed):
    """`noise` is aligned too here, and knows nothing of the captions."""
    split = aligned_split(60, 0, 0.3)
    chance, signal = np.random.default_rng(1), split.aligned["signal"]
    made_up = (chance.normal(size=values.shape).astype(np.float32) for values in (signal.videos, signal.texts))
    split = dataclasses.replace(split, aligned=split.aligned | {"noise": Aligned(*made_up, signal.present)})
    architecture = dataclasses.replace(SETTINGS.architecture, head=head)
    training = SETTINGS.training if is_weighed else NOT_TRAINED
    settings = dataclasses.replace(SETTINGS, architecture=architecture, training=training)
    model = runs.start(split, settings, 0, choose(Runtime("cpu"))).model
    weights = dict(zip((one.name for one in model.aligned), model.base.tolist(), strict=True))
    expected = Start.of(split.aligned, split.caption_video)
    assert expected.weights["signal"] > 0.8
    assert weights == pytest.approx(expected.weights if is_weighed else expected.even().weights)
    one = expected.calibrations["signal"]
    place = [one.name for one in model.aligned].index("signal")
    assert (float(model.mean[place]), float(model.scale[place])) == pytest.approx((one.mean, one.scale))


def _start(seed):
    return runs.start(synthetic_split(12, 0), SETTINGS, seed, choose(Runtime("cpu")))
