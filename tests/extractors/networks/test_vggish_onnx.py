import numpy as np
import torch

from extractors.networks.vggish import VGGish
from extractors.networks.vggish_onnx import PATCHES, SHAPES, VGGishOnnx
from pipeline.weights import seeded


def test_its_weights_are_those_of_the_network_in_torch():
    assert {name: tuple(tensor.shape) for name, tensor in VGGish().state_dict().items()} == dict(SHAPES)


def test_the_vectors_are_those_of_torch_for_any_number_of_patches():
    network = seeded.fill(VGGish()).eval()
    fast = VGGishOnnx.of({name: tensor.numpy() for name, tensor in network.state_dict().items()})
    patches = np.random.default_rng(0).normal(-2, 2, (PATCHES + 3, 96, 64)).astype(np.float32)
    with torch.inference_mode():
        expected = network(torch.from_numpy(patches)).numpy()
    for number in (1, PATCHES, PATCHES + 3):
        found = fast.embed(patches[:number])
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected[:number], rtol=0, atol=1e-5 * np.abs(expected).max())
