import dataclasses

import numpy as np
import pytest
import torch

from models.evaluation.evaluate import similarities
from models.evaluation.metrics import caption_ranks
from models.inputs.batches import Data, draw_pairs, epoch
from models.networks.ce import CE
from models.training.teachers import denoised, teacher
from tests.models.synthetic import SETTINGS, synthetic_split


@pytest.fixture(scope="module")
def data():
    return synthetic_split(24, 1)


@pytest.fixture(scope="module")
def networks(data):
    made = []
    for seed in range(2):
        torch.manual_seed(seed)
        made.append(CE(data.experts, data.text, SETTINGS.architecture).eval())
    return made


def test_a_teachers_scores_are_those_that_it_gives_each_pair(data, networks):
    expected, made = similarities(networks[0], data), teacher(networks[0], data)
    videos, captions = torch.tensor([5, 0, 9]), torch.tensor([7, 3, 3])
    np.testing.assert_allclose(made.scores(videos, captions), expected[np.ix_(captions, videos)], atol=1e-6)


def test_a_batch_brings_the_scores_of_every_teacher_for_its_own_captions_and_videos(data, networks):
    taught = dataclasses.replace(data, teachers=tuple(teacher(network, data) for network in networks))
    generator = torch.Generator().manual_seed(0)
    state = generator.get_state()
    (batch,) = epoch(Data(taught, torch.device("cpu"), trim=True), 100, generator)
    videos, captions = draw_pairs(data, generator.set_state(state))
    expected = [similarities(network, data)[np.ix_(captions, videos)] for network in networks]
    np.testing.assert_allclose(batch.teacher_scores, expected, atol=1e-6)


def test_captions_that_all_teachers_put_far_behind_are_noise(data, networks):
    taught = dataclasses.replace(data, teachers=tuple(teacher(network, data) for network in networks))
    ranks = [caption_ranks(similarities(network, data), data.caption_video).mean for network in networks]
    clean = denoised(taught, 12)
    kept = np.flatnonzero(np.mean(ranks, axis=0) + 1 <= 12)
    assert 0 < len(kept) < len(data.tokens)
    np.testing.assert_array_equal(clean.caption_video, data.caption_video[kept])
    np.testing.assert_array_equal(clean.tokens.values, data.tokens.take(kept).values)
    assert clean.num_videos == data.num_videos
    rows, videos = torch.tensor([2, 0]), torch.tensor([1, 4])
    for before, after in zip(taught.teachers, clean.teachers, strict=True):
        torch.testing.assert_close(after.scores(videos, rows), before.scores(videos, torch.from_numpy(kept)[rows]))
