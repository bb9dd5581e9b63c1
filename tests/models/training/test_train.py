import dataclasses
import logging
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from models.evaluation.bootstrap import low_of_many
from models.evaluation.evaluate import similarities
from models.evaluation.metrics import caption_ranks, summary, video_ranks
from models.training import checkpoint, events
from models.training.checkpoint import MODEL, load_model
from models.training.history import NAME
from models.training.train import STATE, finished, train
from pipeline.errors import TrainingError
from tests.models.synthetic import NOISE, SETTINGS, SIGNAL, WORDS, aligned_split, synthetic_split

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A training that nothing interrupted, and its history."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, train(synthetic_split(60, 1), synthetic_split(20, 2), SETTINGS, 0, folder)


def test_captions_find_their_videos_when_an_expert_knows_them(whole):
    test = synthetic_split(40, 3)
    scores = similarities(load_model(whole[0]), test)
    found = summary(caption_ranks(scores, test.caption_video))
    assert found["R@1"] > 20, "chance is 2.5"
    assert found["R@10"] > 80, "chance is 25"
    assert summary(video_ranks(scores, test.caption_video))["R@10"] > 80


def test_captions_find_nothing_when_no_expert_knows_the_videos(tmp_path):
    train(*(synthetic_split(size, seed, (NOISE, WORDS)) for size, seed in ((60, 1), (20, 2))), _settings(), 0, tmp_path)
    test = synthetic_split(40, 3, (NOISE, WORDS))
    found = summary(caption_ranks(similarities(load_model(tmp_path), test), test.caption_video))
    # 80 captions of 40 videos: a mean of 20.5 with a deviation of some 2.
    assert found["MnR"] == pytest.approx(20.5, abs=6)
    assert found["R@1"] < 12


def test_the_kept_model_is_that_of_the_best_epoch_and_later_ones_win_ties(whole):
    folder, history = whole
    metrics = [epoch.metrics["geometric_mean"] for epoch in history.epochs]
    assert len(metrics) == 20
    assert history.best.epoch == 20 - int(np.argmax(metrics[::-1]))
    validation = synthetic_split(20, 2)
    kept = summary(caption_ranks(similarities(load_model(folder), validation), validation.caption_video))
    assert kept == pytest.approx(history.best.metrics)


def test_the_loss_falls(whole):
    losses = [epoch.loss for epoch in whole[1].epochs]
    assert losses[-1] < losses[0] / 2


@pytest.mark.parametrize("epochs", [1, 7])
def test_a_training_that_is_interrupted_ends_with_the_same_bytes(whole, tmp_path, epochs):
    def stop(epoch):
        if epoch.epoch == epochs:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _again(tmp_path, stop)
    assert not finished(tmp_path)
    done = []
    history = _again(tmp_path, lambda epoch: done.append(epoch.epoch))
    assert done[0] == epochs + 1, "what was done is not done again"
    assert history == whole[1]
    assert (tmp_path / MODEL).read_bytes() == (whole[0] / MODEL).read_bytes()
    assert (tmp_path / NAME).read_bytes() == (whole[0] / NAME).read_bytes()


def test_a_killed_training_resumes_and_ends_with_the_same_bytes(whole, tmp_path):
    command = [sys.executable, "-m", "tests.models.synthetic", str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        _wait_for(lambda: _num_epochs(tmp_path) >= 3, process)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not finished(tmp_path)
    assert _again(tmp_path) == whole[1]
    assert (tmp_path / MODEL).read_bytes() == (whole[0] / MODEL).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [NAME, events.NAME, MODEL]
    assert _shown(tmp_path) == _shown(whole[0])


def test_a_finished_training_is_left_as_it_is(whole):
    folder, history = whole
    before = (folder / MODEL).stat().st_mtime_ns
    called = []
    assert _again(folder, called.append) == history
    assert not called
    assert (folder / MODEL).stat().st_mtime_ns == before
    assert not (folder / STATE).exists()


def test_a_damaged_state_costs_the_work_in_it_and_no_more(whole, tmp_path, caplog):
    (tmp_path / STATE).write_bytes(b"\x10\0\0\0\0\0\0\0half of a head")
    with caplog.at_level(logging.WARNING):
        _again(tmp_path)
    assert "training starts anew" in caplog.text
    assert (tmp_path / MODEL).read_bytes() == (whole[0] / MODEL).read_bytes()


def test_a_folder_of_another_training_is_refused_in_words(whole):
    with pytest.raises(TrainingError, match=r"another training \(seed: 0 -> 1\)"):
        train(synthetic_split(60, 1), synthetic_split(20, 2), SETTINGS, 1, whole[0])


def test_another_seed_gives_another_model(whole, tmp_path):
    train(synthetic_split(60, 1), synthetic_split(20, 2), _settings(epochs=1), 1, tmp_path)
    ours, theirs = (load_model(folder).text_pool.clusters for folder in (tmp_path, whole[0]))
    assert not torch.allclose(ours, theirs)


def test_training_leaves_the_random_numbers_of_others_alone(tmp_path):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train(synthetic_split(20, 1), synthetic_split(20, 2), _settings(epochs=1), 0, tmp_path)
    assert torch.equal(torch.rand(3), expected)


def test_a_training_that_diverges_says_so(tmp_path):
    settings = _settings(learning_rate=1e30, optimizer="adamw", epochs=3)
    with pytest.raises(TrainingError, match=r"lower training\.learning_rate"):
        train(synthetic_split(20, 1), synthetic_split(20, 2), settings, 0, tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"loss": "margin", "margin": 0.2, "temperature": None},
        {"optimizer": "radam", "ema": None},
        {"optimizer": "adamw", "schedule": "step", "gamma": 0.9},
    ],
)
def test_every_loss_optimiser_and_schedule_resumes(tmp_path, changes):
    settings = _settings(epochs=3, **changes)

    def stop(epoch):
        raise KeyboardInterrupt

    for interrupted in (True, False):
        folder = tmp_path / str(interrupted)
        if interrupted:
            with pytest.raises(KeyboardInterrupt):
                train(synthetic_split(20, 1), synthetic_split(20, 2), settings, 0, folder, stop)
        train(synthetic_split(20, 1), synthetic_split(20, 2), settings, 0, folder)
    assert (tmp_path / "True" / MODEL).read_bytes() == (tmp_path / "False" / MODEL).read_bytes()


def test_bfloat16_trains_too(tmp_path):
    settings = _settings(epochs=2, precision="bf16")
    train(synthetic_split(20, 1), synthetic_split(20, 2), settings, 0, tmp_path)
    tensors, _ = checkpoint.read(tmp_path / MODEL)
    assert all(tensor.dtype != torch.bfloat16 for tensor in tensors.values())


def test_a_split_with_a_single_video_and_no_signal_can_be_trained_on(tmp_path):
    train(synthetic_split(1, 1, (SIGNAL,)), synthetic_split(20, 2, (SIGNAL,)), _settings(epochs=1), 0, tmp_path)
    assert finished(tmp_path)


def test_tensorboard_shows_the_history(whole):
    folder, history = whole
    assert _shown(folder) == [(epoch.epoch, np.float32(epoch.loss)) for epoch in history.epochs]


def _settings(**changes):
    return dataclasses.replace(SETTINGS, training=dataclasses.replace(SETTINGS.training, **changes))


def _again(folder, progress=None):
    return train(synthetic_split(60, 1), synthetic_split(20, 2), SETTINGS, 0, folder, progress)


def _shown(folder):
    """(step, loss) of each point that TensorBoard shows."""
    return [(point.step, point.value) for point in EventAccumulator(str(folder)).Reload().Scalars("loss")]


def _num_epochs(folder):
    path = folder / NAME
    return len(path.read_text().splitlines()) - 1 if path.exists() else 0


def _wait_for(condition, process):
    for _ in range(6000):
        if condition():
            return
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    raise AssertionError("it made no progress in a minute")


RESIDUAL = dataclasses.replace(
    SETTINGS,
    architecture=dataclasses.replace(SETTINGS.architecture, head="residual"),
    training=dataclasses.replace(SETTINGS.training, epochs=6, optimizer="adamw", learning_rate=0.003, ema=None),
)


def residual(folder, noise, stop=None, seed=0):
    return train(aligned_split(80, 1, noise), aligned_split(80, 2, noise), RESIDUAL, seed, folder, stop)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_residual_network_begins_with_the_untrained_fusion_and_ends_no_worse(tmp_path, seed):
    history = residual(tmp_path, 3.0, seed=seed)
    validation = aligned_split(80, 2, 3.0)
    pair = validation.aligned["signal"]
    owners = validation.caption_video
    first_ranks = caption_ranks(pair.texts @ pair.videos.T, owners)
    first = summary(first_ranks)
    assert [epoch.epoch for epoch in history.epochs] == list(range(7))
    assert history.epochs[0].metrics == pytest.approx(first)
    kept_ranks = caption_ranks(similarities(load_model(tmp_path), validation), owners)
    kept = summary(kept_ranks)
    assert kept == pytest.approx(history.best.metrics)
    gain = 1 / (kept_ranks.mean + 1) - 1 / (first_ranks.mean + 1)
    assert history.best.above_start == pytest.approx(low_of_many(gain, owners, 80, 6))
    assert history.best.above_start > 0
    assert kept["geometric_mean"] > first["geometric_mean"], "the expert `signal` tells more than its frozen vectors"


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_an_epoch_that_is_better_by_chance_is_not_kept(tmp_path, seed):
    """The other experts tell nothing here, so that an epoch is above the first by chance alone."""
    splits = (aligned_split(60, 1, 3.0), aligned_split(40, 2, 3.0))
    untold = [dataclasses.replace(split, features=_shuffled(split)) for split in splits]
    history = train(*untold, RESIDUAL, seed, tmp_path)
    assert history.best.epoch == 0
    pair = splits[1].aligned["signal"]
    assert similarities(load_model(tmp_path), untold[1]).argmax(1).tolist() == (
        (pair.texts @ pair.videos.T).argmax(1).tolist()
    )


def _shuffled(split):
    """The features with those of each video given to another one."""
    order = np.roll(np.arange(split.num_videos), 7)
    return {name: rows.take(order.tolist()) for name, rows in split.features.items()}


def test_what_no_training_makes_better_is_kept_as_it_was(tmp_path):
    """Without noise the right video is always first, and later epochs that are as good would be kept."""
    rate = dataclasses.replace(RESIDUAL.training, learning_rate=1.0, epochs=3)
    settings = dataclasses.replace(RESIDUAL, training=rate)
    history = train(aligned_split(60, 1, 0.0), aligned_split(20, 2, 0.0), settings, 0, tmp_path)
    assert history.epochs[0].metrics["geometric_mean"] == pytest.approx(100)
    assert history.best.epoch == 0, "a rate of 1 breaks the network"
    validation = aligned_split(20, 2, 0.0)
    assert (
        summary(caption_ranks(similarities(load_model(tmp_path), validation), validation.caption_video))["R@1"] == 100
    )


@pytest.mark.parametrize("epochs", [0, 2])
def test_a_residual_training_that_is_interrupted_ends_with_the_same_bytes(tmp_path, epochs):
    def stop(epoch):
        if epoch.epoch == epochs:
            raise KeyboardInterrupt

    residual(tmp_path / "whole", 3.0)
    with pytest.raises(KeyboardInterrupt):
        residual(tmp_path / "stopped", 3.0, stop)
    residual(tmp_path / "stopped", 3.0)
    assert (tmp_path / "stopped" / MODEL).read_bytes() == (tmp_path / "whole" / MODEL).read_bytes()


def test_a_residual_network_of_before_there_were_fixed_weights_has_even_ones(tmp_path):
    settings = dataclasses.replace(RESIDUAL, training=dataclasses.replace(RESIDUAL.training, epochs=1))
    train(aligned_split(20, 1), aligned_split(20, 2), settings, 0, tmp_path)
    tensors, facts = checkpoint.read(tmp_path / MODEL)
    assert tensors.pop("base").tolist() == [1.0]
    checkpoint.write(tmp_path / MODEL, tensors, facts)
    assert load_model(tmp_path).base.tolist() == [1.0]


def test_a_zero_shot_model_is_what_the_residual_one_begins_with(tmp_path):
    architecture = dataclasses.replace(SETTINGS.architecture, head="zero_shot")
    training = dataclasses.replace(SETTINGS.training, epochs=0, ema=None)
    settings = dataclasses.replace(SETTINGS, architecture=architecture, training=training)
    history = train(aligned_split(60, 1), aligned_split(20, 2), settings, 0, tmp_path)
    assert [epoch.epoch for epoch in history.epochs] == [0]
    test = aligned_split(30, 3)
    pair = test.aligned["signal"]
    frozen = summary(caption_ranks(pair.texts @ pair.videos.T, test.caption_video))
    assert summary(caption_ranks(similarities(load_model(tmp_path), test), test.caption_video)) == pytest.approx(frozen)
