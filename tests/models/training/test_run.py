import torch

from models.config import Runtime
from models.training import run as runs
from models.training.hardware import choose
from tests.models.synthetic import SETTINGS, synthetic_split


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


def _start(seed):
    return runs.start(synthetic_split(12, 0), SETTINGS, seed, choose(Runtime("cpu")))
