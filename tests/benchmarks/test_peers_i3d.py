import pytest
import torch

from benchmarks.peers_i3d import features
from extractors.networks.video_networks import I3D, set_epsilon
from pipeline.weights import seeded


@pytest.mark.slow
def test_the_plain_computing_gives_the_features_of_ours():
    """Of whole clips: the pool at its end is of the 7 x 7 places that 224 pixels leave."""
    network = seeded.fill(I3D(3)).eval().requires_grad_(False)
    set_epsilon(network, 1e-5)
    clips = torch.randn(1, 3, 16, 224, 224, generator=torch.Generator().manual_seed(0)).clamp(-1, 1)
    with torch.inference_mode():
        expected, found = network(clips), features(network, clips)
    assert found.shape == (1, 1024)
    assert float((found - expected).abs().max() / expected.abs().max()) < 1e-5
