"""The re-statement that our speed is compared with computes what the original computes."""

import dataclasses

import numpy as np
import pytest
import torch

from benchmarks import restated
from models.architecture import Architecture
from models.config import Training
from models.inputs.batches import Data
from models.training import run as runs
from models.training.hardware import choose
from models.training.train import train_step
from tests.models import reference_cases
from tests.models.synthetic import SETTINGS, synthetic_split

RELEASED = dataclasses.replace(
    SETTINGS,
    architecture=Architecture(16, "sequential", "mish", batch_norm=True, mask_padding=False),
    training=Training(16, 1, 0.1, 1e-3, "ranger", "step", "margin", gamma=0.95, margin=0.1),
)


@pytest.mark.parametrize("name", ["ce_all_available", "ce_pairwise_7exp"])
def test_its_scores_are_those_of_the_original(name):
    case = reference_cases.load(f"{name}.npz")
    model = reference_cases.network(case).train()
    experts, available, text = reference_cases.inputs(case, "train")
    available = {name: there.float() for name, there in available.items()}
    found = restated.scores(model, experts, available, text[:, 0])
    np.testing.assert_allclose(found.detach(), case.arrays["train/out/sims"], rtol=0, atol=5e-6)


def test_its_steps_are_ours():
    """Losses and weights of twelve steps, in which Lookahead comes in twice."""
    data = dataclasses.replace(
        synthetic_split(24, 1), caption_video=np.arange(24), tokens=synthetic_split(24, 1).tokens.take(range(24))
    )
    ours, theirs = (runs.start(data, RELEASED, 0, choose(RELEASED.runtime)) for _ in range(2))
    there = Data(data, torch.device("cpu"), trim=False)
    for number in range(12):
        rows = torch.arange(24).roll(5 * number)[:16]
        batch = (there.videos(rows), there.texts(rows), None)
        expected = train_step(ours, batch, 0.01)
        found = restated.step(theirs, data, rows.tolist(), 0.1, 0.01)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)
    assert restated.check(theirs.model, data, range(16)) < 5e-6
    for param, other in zip(ours.model.parameters(), theirs.model.parameters(), strict=True):
        torch.testing.assert_close(param, other, rtol=0, atol=1e-3)
