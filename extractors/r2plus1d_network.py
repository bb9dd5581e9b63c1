"""R(2+1)D with 34 layers, of torchvision's blocks (Tran et al. 2018; the IG-65M files: Ghadiyaram et al. 2019)."""

from torch import nn
from torchvision.models.video.resnet import BasicBlock, Conv2Plus1D, R2Plus1dStem, VideoResNet


def r2plus1d_34(classes: int) -> nn.Module:
    """The network that the files of moabitcoin/ig65m-pytorch fit; clips (B, 3, T, H, W)."""
    network: nn.Module = VideoResNet(BasicBlock, [Conv2Plus1D] * 4, [3, 4, 6, 3], R2Plus1dStem, num_classes=classes)
    # The files come from Caffe2, where the second convolution of a stage has the middle width of the later ones
    # (pytorch/vision#1265), and batch norm a larger epsilon.
    for stage, width in (("layer2", 128), ("layer3", 256), ("layer4", 512)):
        network.get_submodule(f"{stage}.0.conv2").set_submodule("0", Conv2Plus1D(width, width, width * 9 // 4))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm3d):
            module.eps = 1e-3
    return network
