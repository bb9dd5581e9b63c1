import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from models.config import Training
from models.training import optim
from models.training.optim import RULES, Optimizer, learning_rate, move_average, optimizer
from tests.models import reference_cases

TRAINING = {
    "batch_size": 4, "epochs": 10, "learning_rate": 0.1, "weight_decay": 1e-3, "loss": "margin", "margin": 0.2
}  # fmt: skip


@pytest.mark.parametrize("name", ["ranger_lr0.1_wd1e-3", "ranger_lr0.01_wd5e-5", "radam_lr1e-3_wd1e-5"])
def test_every_step_is_that_of_the_original(name):
    case = reference_cases.load("optimizer_cases.npz")
    given = {key: case.arrays[f"{name}/{key}"] for key in ("p", "q", "grad_p", "grad_q", "lr")}
    params = [nn.Parameter(torch.from_numpy(given[key][0].copy())) for key in ("p", "q")]
    facts = case.meta[name]
    settings = Training(
        **TRAINING | {"learning_rate": facts["lr"], "weight_decay": facts["weight_decay"]},
        optimizer=name.split("_")[0],
        schedule="cosine",
    )
    moved = optimizer(params, settings)
    for step in range(24):
        for param, key in zip(params, ("grad_p", "grad_q"), strict=True):
            param.grad = torch.from_numpy(given[key][step].copy())
        moved.step(float(given["lr"][step]))
        for param, key in zip(params, ("p", "q"), strict=True):
            np.testing.assert_allclose(param.detach(), given[key][step + 1], rtol=1e-5, atol=1e-6)


def test_a_parameter_without_a_gradient_stays():
    moving, still = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    moved = Optimizer([moving, still], RULES["ranger"], 0.1)
    for _ in range(7):
        moving.grad = torch.ones(2)
        moved.step(0.1)
    assert (still == 1).all()
    assert (moving < 1).all()


def test_adamw_is_pytorchs():
    settings = Training(**TRAINING, optimizer="adamw", schedule="cosine")
    params = [nn.Parameter(torch.ones(3)) for _ in range(2)]
    ours, theirs = optimizer(params[:1], settings), torch.optim.AdamW(params[1:], 0.1, weight_decay=1e-3)
    for step in range(5):
        for param in params:
            param.grad = torch.tensor([1.0, -0.5, 0.1]) * (step + 1)
        ours.step(0.1)
        theirs.step()
    torch.testing.assert_close(*params)
    ours.zero_grad()
    assert params[0].grad is None


def test_no_compiler_is_imported_for_a_step():
    code = """if True:
        import sys, torch
        from models.training.optim import RULES, Optimizer
        param = torch.nn.Parameter(torch.ones(2))
        param.sum().backward()
        Optimizer([param], RULES["ranger"], 0.1).step(0.1)
        sys.exit("torch._dynamo" in sys.modules)
    """
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_gradient_scaler_skips_what_overflowed_and_undoes_its_scale():
    param = nn.Parameter(torch.ones(2))
    moved, scaler = Optimizer([param], RULES["adamw"], 0.0), torch.amp.GradScaler("cpu", init_scale=8.0)
    scaler.scale(param.sum() * float("inf")).backward()
    scaler.step(moved, 0.1)
    scaler.update()
    assert param.tolist() == [1, 1]
    moved.zero_grad()
    scaler.scale(param.sum()).backward()
    scaler.step(moved, 0.1)
    assert param.grad.tolist() == [1, 1]
    assert param.tolist() == pytest.approx([0.9, 0.9])


@pytest.mark.parametrize("schedule", ["step", "cosine"])
def test_schedules_are_pytorchs(schedule):
    gamma = 0.95 if schedule == "step" else None
    settings = Training(**TRAINING, optimizer="adamw", schedule=schedule, gamma=gamma)
    moved = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1)
    theirs = (
        torch.optim.lr_scheduler.StepLR(moved, 1, 0.95)
        if schedule == "step"
        else torch.optim.lr_scheduler.CosineAnnealingLR(moved, 10)
    )
    for epoch in range(10):
        assert learning_rate(settings, epoch) == pytest.approx(theirs.get_last_lr()[0], rel=1e-9)
        moved.step()
        theirs.step()


def test_the_average_follows_the_weights_and_the_running_statistics():
    average, model = nn.BatchNorm1d(2), nn.BatchNorm1d(2)
    expected = 1.0
    for step in range(1, 30):
        with torch.no_grad():
            model.weight.fill_(step)
            model.running_mean.fill_(step)
            model.num_batches_tracked.fill_(step)
        move_average(average, model, 0.7, step)
        decay = min(0.7, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * step
    assert average.weight[0].item() == pytest.approx(expected, rel=1e-5)
    assert math.isclose(average.num_batches_tracked, 29)


@pytest.mark.parametrize("name", RULES)
def test_one_pass_over_the_memory_moves_parameters_as_ten_do(name, monkeypatch):
    """Over the first steps of RAdam, which are taken otherwise, and three of Lookahead."""

    def moved():
        torch.manual_seed(0)
        params = [torch.randn(7, 5), torch.randn(300)]
        optimizer = Optimizer(params, RULES[name], 0.1)
        for _ in range(20):
            for param in params:
                param.grad = torch.randn(param.shape)
            optimizer.step(0.05)
        return [*params, *(value for values in optimizer.state.values() for value in values)]

    at_once = moved()
    calls = []
    monkeypatch.setattr(optim, "adamw", lambda *args: calls.append(args) and False)
    torch.testing.assert_close(at_once, moved(), rtol=1e-5, atol=1e-6)
    assert len(calls) == (20 if name == "adamw" else 15)


def test_at_a_rate_of_zero_nothing_moves_and_no_gradient_is_no_step():
    param = nn.Parameter(torch.ones(3))
    moved = Optimizer([param], RULES["ranger"], 0.1)
    for step in range(8):
        param.grad = None if step == 7 else torch.ones(3)
        moved.step(0.0)
    assert (param == 1).all()


@pytest.mark.parametrize("name", RULES)
def test_parameters_in_pieces_move_as_whole_ones_do(name, monkeypatch):
    def moved():
        torch.manual_seed(0)
        params = [torch.randn(7, 5), torch.randn(3), torch.randn(4, 4, 4)]
        optimizer = Optimizer(params, RULES[name], 0.1)
        for _ in range(13):
            for param in params[:1] + params[2:]:
                param.grad = torch.randn(param.shape[::-1]).permute(*range(param.dim())[::-1])
            optimizer.step(0.05)
        return params

    whole = moved()
    monkeypatch.setattr(optim, "PIECE", 8)
    torch.testing.assert_close(moved(), whole, rtol=1e-6, atol=1e-7)
