"""What a GPU records is tested in tests/gpu/test_training.py; here, how batches are told apart, and what is left
where nothing can be recorded."""

import logging

import pytest
import torch

from models.inputs.batches import Data, epoch
from models.training import captured
from models.training import run as runs
from models.training.captured import Captured
from models.training.hardware import Hardware
from models.training.train import train_step
from tests.models.synthetic import SETTINGS, synthetic_split

CPU = torch.device("cpu")


def started():
    split = synthetic_split(20, 0)
    run = runs.start(split, SETTINGS, 0, Hardware(CPU, torch.float32))
    run.model.train()
    return run, list(epoch(Data(split, CPU, trim=False), 8, run.generator))


def test_on_a_cpu_and_in_float16_nothing_is_recorded(monkeypatch):
    runs_on = (torch.float32, torch.bfloat16, torch.float16)
    split, gpu = synthetic_split(20, 0), torch.device("cuda:0")
    assert started()[0].captured is None
    monkeypatch.setattr(torch.nn.Module, "to", lambda module, device: module)
    monkeypatch.setattr(Hardware, "scaler", lambda hardware: None)  # which warns where there is no GPU
    found = {dtype: runs.start(split, SETTINGS, 0, Hardware(gpu, dtype)).captured for dtype in runs_on}
    assert {dtype for dtype, one in found.items() if one is not None} == {torch.float32, torch.bfloat16}


def test_batches_of_other_shapes_are_told_apart():
    _, (first, second, last) = started()
    assert captured._shapes(first) == captured._shapes(second)
    assert captured._shapes(first) != captured._shapes(last)
    assert set(captured._shapes(first)) >= {"texts/text", "texts/counts", "counts/words", "available/signal"}


def test_a_copy_of_a_batch_has_the_same_values_elsewhere():
    _, (batch, *_) = started()
    ours, theirs = captured._tensors(captured._copy(batch, CPU)), captured._tensors(batch)
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        assert torch.equal(ours[name], value)
        assert ours[name].data_ptr() != value.data_ptr()


class OnCpu(captured._Recording):
    """What a GPU does, by a CPU: a replay computes on the batch and writes the gradients where they were recorded."""

    apart = 0.0

    def _warm_up(self, optimizer, loss_of):
        for _ in range(2):
            optimizer.zero_grad()
            loss = loss_of(self._batch)
            loss.backward()
        return loss.detach(), [param.grad for param in self._params]

    def _record(self, loss_of):
        assert all(param.grad is None for param in self._params)
        self.loss_of, self._loss = loss_of, torch.zeros(())
        loss_of(self._batch).backward()
        self._gradients = [param.grad for param in self._params]
        assert {gradient is None for gradient in self._gradients} == {False}

    def _run(self):
        for param in self._params:
            param.grad = None
        loss = self.loss_of(self._batch)
        loss.backward()
        self._loss.copy_(loss.detach())
        for held, param in zip(self._gradients, self._params, strict=True):
            held.copy_(param.grad * (1 + self.apart))


def steps(run, batches):
    losses = [train_step(run, batch, 0.01) for batch in batches]
    return [float(loss) for loss in losses], run.model.state_dict()


@pytest.mark.parametrize("apart", [0.0, 0.02])
def test_recorded_steps_are_those_without_and_are_not_taken_where_they_are_not(monkeypatch, caplog, apart):
    monkeypatch.setattr(captured, "_Recording", OnCpu)
    monkeypatch.setattr(OnCpu, "apart", apart)
    run, batches = started()
    run.captured = Captured(run.model, run.optimizer, CPU)
    plain, same_batches = started()
    with caplog.at_level(logging.WARNING):
        losses, state = steps(run, [*batches, *batches])
    expected, expected_state = steps(plain, [*same_batches, *same_batches])
    assert losses == expected
    for key, value in expected_state.items():
        assert torch.equal(state[key], value), key
    assert (run.captured._recording is None) == bool(apart)
    assert ("gave other gradients" in caplog.text) == bool(apart)


def test_a_gradient_that_is_missing_is_found(monkeypatch, caplog):
    class Forgetful(OnCpu):
        def _record(self, loss_of):
            super()._record(loss_of)
            self._gradients[0] = None

        def _run(self):
            pass

    monkeypatch.setattr(captured, "_Recording", Forgetful)
    run, batches = started()
    run.captured = Captured(run.model, run.optimizer, CPU)
    with caplog.at_level(logging.WARNING):
        train_step(run, batches[0], 0.01)
    assert "gave other gradients" in caplog.text


@pytest.mark.parametrize("fails_at", ["warm-up", "recording"])
def test_where_it_cannot_be_recorded_the_steps_are_those_without(monkeypatch, caplog, fails_at):
    def refuse(*_, **__):
        raise RuntimeError("operation not permitted when stream is capturing\nmore of it")

    def passes(self, optimizer, loss_of):
        loss_of(self._batch).backward()
        return torch.zeros(()), []

    if fails_at == "recording":
        monkeypatch.setattr(captured._Recording, "_warm_up", passes)
    monkeypatch.setattr(torch.cuda, "Stream", refuse)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", refuse)
    run, batches = started()
    plain, same_batches = started()
    run.captured = Captured(run.model, run.optimizer, CPU)
    with caplog.at_level(logging.WARNING):
        losses = [float(train_step(run, batch, 0.01)) for batch in batches]
    assert losses == [float(train_step(plain, batch, 0.01)) for batch in same_batches]
    for key, value in plain.model.state_dict().items():
        assert torch.equal(run.model.state_dict()[key], value), key
    assert [record.getMessage() for record in caplog.records] == [
        "training without a CUDA graph, and so more slowly: operation not permitted when stream is capturing"
    ]
