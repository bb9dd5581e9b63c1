"""Makes splits in which only one expert tells which video a caption describes; run as a program, trains on one."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import torch

from models.architecture import Architecture
from models.config import ModelConfig, Runtime, TextPool, Training
from models.inputs.aligned import Aligned
from models.inputs.batches import Collection
from models.network_inputs import ExpertInput, TextInput
from models.training.train import train
from pipeline.stores.ragged import Ragged

DIM_HIDDEN = 6
SIGNAL, NOISE, WORDS = ExpertInput("signal", 12), ExpertInput("noise", 5), ExpertInput("words", 8, "vlad", 2, 4)
TEXT = TextInput(10, 2, 1, 6)
SETTINGS = ModelConfig(
    experts=("signal", "noise", "words"),
    text="planted",
    text_pool=TextPool(2, 1, 6),
    architecture=Architecture(16, "sequential", "mish", batch_norm=True, mask_padding=True, standardise=True),
    training=Training(
        16, 20, 0.05, 1e-3, optimizer="ranger", schedule="cosine", loss="infonce", temperature=0.2, ema=0.9, seeds=(0,)
    ),
    runtime=Runtime("cpu", checkpoint_s=0.0),
)


def synthetic_split(num_videos: int, seed: int, experts=(SIGNAL, NOISE, WORDS)) -> Collection:
    """A split in which `signal` and the captions are linear maps, equal in all splits, of a hidden vector."""
    maps, chance = np.random.default_rng(0), np.random.default_rng(seed)
    of_signal, of_text = maps.normal(size=(DIM_HIDDEN, 12)), maps.normal(size=(3, DIM_HIDDEN, 10))
    hidden = chance.normal(size=(num_videos, DIM_HIDDEN))
    pooled = {"signal": hidden @ of_signal + 0.2 * chance.normal(size=(num_videos, 12)) + 3}
    pooled["noise"] = chance.normal(size=(num_videos, 5))
    features = {name: Ragged.stack(list(_rows(values)), values.shape[1]) for name, values in pooled.items()}
    counts = chance.integers(0, 6, num_videos)
    features["words"] = Ragged.stack(list(_rows([chance.normal(size=(count, 8)) for count in counts])), 8)
    owners = chance.permutation(np.repeat(np.arange(num_videos), chance.integers(1, 4, num_videos)))
    captions = [
        np.concatenate([hidden[video] @ of_text, 0.3 * chance.normal(size=(chance.integers(0, 3), 10))])
        for video in owners
    ]
    chosen = {expert.name: features[expert.name] for expert in experts}
    return Collection(tuple(experts), TEXT, chosen, Ragged.stack(list(_rows(captions)), 10), owners)


def aligned_split(num_videos: int, seed: int, noise: float = 1.0) -> Collection:
    """A synthetic split in which `signal` is aligned with text too: frozen vectors that agree but for the noise."""
    data, chance = synthetic_split(num_videos, seed), np.random.default_rng(seed + 100)
    videos = chance.normal(size=(num_videos, 16))
    texts = videos[data.caption_video] + noise * chance.normal(size=(len(data.caption_video), 16))
    units = [(values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32) for values in (videos, texts)]
    pair = Aligned(*units, np.ones(num_videos, bool))
    return dataclasses.replace(data, aligned={"signal": pair})


def _rows(values):
    return (np.atleast_2d(row).astype(np.float32) for row in values)


if __name__ == "__main__":
    torch.set_num_threads(1)
    train(synthetic_split(60, 1), synthetic_split(20, 2), SETTINGS, 0, Path(sys.argv[1]))
