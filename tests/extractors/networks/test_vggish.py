import numpy as np
import torch

from extractors.networks.vggish import DIM, NUM_BANDS, NUM_FRAMES, VGGish


def test_patches_become_vectors_after_a_relu():
    with torch.inference_mode():
        found = VGGish().eval()(torch.randn(2, NUM_FRAMES, NUM_BANDS))
    assert found.shape == (2, DIM)
    assert found.min() >= 0


def test_its_parameters_have_the_names_and_shapes_of_the_published_file():
    """Those of harritaylor/torchvggish; the sizes are the paper's, configuration A without its last group."""
    shapes = {name: tuple(tensor.shape) for name, tensor in VGGish().state_dict().items() if name.endswith("weight")}
    convolutions = {0: (64, 1), 3: (128, 64), 6: (256, 128), 8: (256, 256), 11: (512, 256), 13: (512, 512)}
    layers = {0: (4096, 512 * 6 * 4), 2: (4096, 4096), 4: (128, 4096)}
    expected = {f"features.{number}.weight": (*sizes, 3, 3) for number, sizes in convolutions.items()}
    assert shapes == expected | {f"embeddings.{number}.weight": sizes for number, sizes in layers.items()}


def test_maps_are_flattened_with_the_channels_last_as_in_tensorflow():
    network = VGGish().eval()
    patches = torch.randn(1, NUM_FRAMES, NUM_BANDS)
    with torch.inference_mode():
        maps = network.features(patches[:, None])[0].numpy()
        flat = np.array([maps[:, row, column] for row in range(6) for column in range(4)]).ravel()
        expected = network.embeddings(torch.from_numpy(flat[None]))
        torch.testing.assert_close(network(patches), expected)
