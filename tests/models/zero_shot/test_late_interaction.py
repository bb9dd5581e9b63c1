import numpy as np
import pytest
import torch

from models.zero_shot import late_interaction
from models.zero_shot.late_interaction import UNSEEN, maxsim
from pipeline.stores.ragged import Ragged


def units(chance, counts, dim=24):
    values = chance.normal(size=(sum(counts), dim))
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    return Ragged(values.astype(np.float32), np.cumsum([0, *counts]).astype(np.int64))


def by_brute_force(captions, videos):
    """One token and one vector at a time, in float64."""
    found = np.full((len(captions), len(videos)), -1.0)
    for row in range(len(captions)):
        for column in range(len(videos)):
            best = [
                max((float(token @ vector) for vector in videos[column].astype(np.float64)), default=-1.0)
                for token in captions[row].astype(np.float64)
            ]
            found[row, column] = sum(best) / len(best)
    return found


@pytest.fixture(scope="module")
def pairs():
    chance = np.random.default_rng(0)
    captions = units(chance, [1, *chance.integers(1, 12, 8).tolist()])
    videos = units(chance, [0, 1, 32, *chance.integers(0, 33, 6).tolist(), 0])
    return captions, videos


@pytest.mark.parametrize("block", [1, 40, 1 << 24])
def test_every_score_is_that_of_brute_force_in_blocks_of_any_size(pairs, block, monkeypatch):
    monkeypatch.setattr(late_interaction, "BLOCK_ENTRIES", block)
    np.testing.assert_allclose(maxsim(*pairs), by_brute_force(*pairs), rtol=0, atol=1e-5)


def test_no_block_holds_more_products_than_it_may_but_for_a_single_pair(pairs, monkeypatch):
    held, matmul = [], torch.Tensor.__matmul__
    monkeypatch.setattr(late_interaction, "BLOCK_ENTRIES", 400)
    monkeypatch.setattr(torch.Tensor, "__matmul__", lambda *both: held.append(both) or matmul(*both))
    maxsim(*pairs)
    captions, videos = pairs
    assert max(len(vectors) * tokens.shape[1] for vectors, tokens in held) <= max(
        400, int(captions.counts.max() * videos.counts.max())
    )
    assert len(held) > 1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_gives_the_same_scores(pairs):
    np.testing.assert_allclose(maxsim(*pairs, "cuda"), by_brute_force(*pairs), rtol=0, atol=1e-5)


def test_a_video_without_vectors_has_the_lowest_score(pairs):
    captions, videos = pairs
    found = maxsim(captions, videos)
    assert (found[:, videos.counts == 0] == UNSEEN).all()
    assert (found[:, videos.counts > 0] > UNSEEN).all()
    assert (maxsim(captions, units(np.random.default_rng(1), [0, 0])) == UNSEEN).all()


def test_a_caption_of_one_vector_is_scored_by_the_best_vector_of_the_video(pairs):
    captions, videos = pairs
    best = [max((captions[0] @ videos[at].T)[0], default=-1) for at in range(len(videos))]
    np.testing.assert_allclose(maxsim(captions, videos)[0], best, atol=1e-6)


def test_nothing_to_compare_is_an_empty_table(pairs):
    captions, videos = pairs
    none = Ragged.stack([], 24)
    assert maxsim(none, videos).shape == (0, len(videos))
    assert maxsim(captions, none).shape == (len(captions), 0)
