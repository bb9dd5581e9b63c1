import numpy as np
import pytest
import torch
from torch import nn

from extractors.networks.vggish import VGGish
from extractors.networks.without_values import without_values
from extractors.vggish import Expert, Params
from pipeline.errors import WeightsError
from pipeline.weights.files import WeightFile, WeightOptions, WeightSource

HEARD = np.random.default_rng(0).normal(size=(2, 96, 64)).astype(np.float32)


def expert_of(tensors, folder):
    torch.save(tensors, folder / "mine.pth")
    return Expert(
        Params(), WeightSource(WeightOptions(folder), {"network": WeightFile("http://a/b", place="mine.pth")})
    )


def test_no_memory_is_taken_for_the_tensors():
    network = without_values(lambda: nn.Linear(10**6, 10**6))
    assert network.weight.is_meta
    assert network.weight.shape == (10**6, 10**6)


def test_a_file_fills_it_with_what_it_holds_in_float32_whatever_its_type(tmp_path):
    network = VGGish().eval()
    tensors = {name: tensor.half() for name, tensor in network.state_dict().items()}
    expert = expert_of(tensors, tmp_path)
    expert.load("cpu")
    loaded = expert.network.state_dict()
    assert {tensor.dtype for tensor in loaded.values()} == {torch.float32}
    assert all(torch.equal(loaded[name], tensor.float()) for name, tensor in tensors.items())
    network.load_state_dict(tensors)
    with torch.inference_mode():
        expected = network(torch.from_numpy(HEARD)).numpy()
    np.testing.assert_allclose(expert.embed(HEARD).values, expected, rtol=1e-4, atol=1e-5)


def test_a_file_that_lacks_a_tensor_is_refused(tmp_path):
    tensors = VGGish().state_dict()
    del tensors[next(iter(tensors))]
    with pytest.raises(WeightsError, match="not the weights of this network"):
        expert_of(tensors, tmp_path).load("cpu")
