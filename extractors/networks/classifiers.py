"""Networks that torchvision and timm build by name ("library/network.weights"), cut before their last layer."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from extractors.networks.base import Tensors
from pipeline.errors import ConfigError
from pipeline.weights.catalog import timm_file, torchvision_file
from pipeline.weights.files import WeightFile

if TYPE_CHECKING:
    import torch

LIBRARIES = ("torchvision", "timm")


def split_name(name: str) -> tuple[str, str, str]:
    """(library, network, published weights or "") of "torchvision/resnet50.IMAGENET1K_V1"; ValueError for another."""
    library, _, rest = name.partition("/")
    network, _, weights = rest.partition(".")
    if library not in LIBRARIES or not network:
        raise ValueError(f"network {name!r} must be torchvision/<network>.<weights> or timm/<network>.<weights>")
    return library, network, weights


def file_of(name: str) -> WeightFile:
    """The published file of the network called `name`."""
    library, network, weights = split_name(name)
    if library == "timm":
        return timm_file(f"{network}.{weights}" if weights else network)
    return torchvision_file(network, weights)


def make(name: str, classes: int, arguments: Mapping[str, Any]) -> "torch.nn.Module":
    """The network with its last layer, of `classes` outputs, so that the file fits; its tensors are arbitrary."""
    library, network, _ = split_name(name)
    try:
        if library == "timm":
            import timm

            made: torch.nn.Module = timm.create_model(network, pretrained=False, num_classes=classes, **arguments)
        else:
            from torchvision import models

            made = models.get_model(network, weights=None, num_classes=classes, **_quiet(network), **arguments)
    except (ValueError, RuntimeError, TypeError) as error:
        raise ConfigError(f"network {name!r}: {library} cannot build it: {error}") from None
    return made


def behead(network: "torch.nn.Module") -> "torch.nn.Module":
    """The network without its last linear layer (or 1 x 1 x 1 convolution): it gives what that layer was given."""
    from torch import nn

    last = [
        name
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear) or (isinstance(module, nn.Conv3d) and module.kernel_size == (1, 1, 1))
    ][-1]
    network.set_submodule(last, nn.Identity())
    return network


def modern_names(tensors: Tensors) -> Tensors:
    """The tensors of a checkpoint saved from several GPUs, or by a DenseNet of before 2018, under today's names."""
    plain = {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    old_dense = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])\.")
    return {old_dense.sub(r"\1\2.", name): tensor for name, tensor in plain.items()}


def _quiet(network: str) -> dict[str, Any]:
    """Without these two, torchvision warns that it will spend long on random weights, which are replaced anyhow."""
    if network == "inception_v3":
        return {"init_weights": False, "aux_logits": True}
    return {"init_weights": False, "aux_logits": True} if network == "googlenet" else {}
