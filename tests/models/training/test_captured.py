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


def test_on_a_cpu_and_in_float16_nothing_is_recorded():
    split = synthetic_split(20, 0)
    assert started()[0].captured is None
    assert runs.start(split, SETTINGS, 0, Hardware(CPU, torch.float16)).captured is None


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


@pytest.mark.parametrize("fails_at", ["warm-up", "recording"])
def test_where_it_cannot_be_recorded_the_steps_are_those_without(monkeypatch, caplog, fails_at):
    def refuse(*_, **__):
        raise RuntimeError("operation not permitted when stream is capturing\nmore of it")

    def passes(self, optimizer, loss_of):
        loss_of(self._batch).backward()

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
