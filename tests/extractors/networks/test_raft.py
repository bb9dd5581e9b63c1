import pytest
import torch
from torchvision import models

from extractors.networks.raft import FilmRaft
from pipeline.weights import seeded
from tests.devices import EVERY_DEVICE


@pytest.fixture
def network():
    return seeded.fill(models.get_model("raft_small", weights=None)).eval()


@pytest.mark.parametrize("device", EVERY_DEVICE)
@pytest.mark.parametrize(
    ("at_once", "sizes"), [(1, [1] * 6), (2, [2, 1, 2, 1]), (3, [3, 3]), (5, [3, 3]), (6, [6]), (99, [6])]
)
def test_the_flow_of_films_is_that_of_their_pairs_in_equal_parts(network, at_once, sizes, device):
    films = torch.rand(2, 4, 3, 128, 136, generator=torch.Generator().manual_seed(0)) * 2 - 1
    films = films.to(device)
    with torch.inference_mode():
        first, second = films[:, :-1].flatten(0, 1), films[:, 1:].flatten(0, 1)
        expected = network.to(device)(first, second, num_flow_updates=3)[-1]
        found = list(FilmRaft(network).flow(films, 3, at_once))
    assert [len(part) for part in found] == sizes
    torch.testing.assert_close(torch.cat(found), expected, rtol=1e-3, atol=1e-3)


def test_each_frame_is_looked_at_once(network):
    seen = []
    film_raft = FilmRaft(network)
    hook = network.feature_encoder.network.register_forward_hook(lambda _, frames, __: seen.append(len(frames[0])))
    with torch.inference_mode():
        list(film_raft.flow(torch.zeros(2, 3, 3, 128, 128), 1, 4))
        list(film_raft.flow(torch.zeros(3, 3, 3, 128, 128), 1, 5))
    hook.remove()
    assert seen == [6, 3, 3, 3], "in equal parts: an item's numbers depend on the shape that it is computed in"


def test_the_network_can_be_used_by_itself_afterwards(network):
    film_raft = FilmRaft(network)
    pair = torch.rand(2, 1, 3, 128, 128, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        before = network(*pair, num_flow_updates=1)[-1]
        list(film_raft.flow(torch.zeros(1, 3, 3, 128, 128), 1, 9))
        torch.testing.assert_close(network(*pair, num_flow_updates=1)[-1], before)


def test_a_film_has_the_same_flow_to_the_bit_wherever_it_is_in_a_batch(network):
    films = torch.rand(4, 3, 3, 128, 128, generator=torch.Generator().manual_seed(2)) * 2 - 1
    raft = FilmRaft(network)
    with torch.inference_mode():
        flow = torch.cat(list(raft.flow(films, 2, 4))).view(4, 2, 2, 128, 128)
        turned = torch.cat(list(raft.flow(films.roll(1, 0), 2, 4))).view(4, 2, 2, 128, 128)
    assert torch.equal(turned, flow.roll(1, 0))
