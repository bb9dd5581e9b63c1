"""Classifiers that torchvision and timm build by name ("library/network.weights"), without their last layer."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from extractors.networks.base import Tensors, without_module_prefix
from pipeline.errors import ConfigError
from pipeline.weights.catalog import timm_file, torchvision_file
from pipeline.weights.files import WeightFile

if TYPE_CHECKING:
    import torch

LIBRARIES = ("torchvision", "timm")


def split_name(name: str) -> tuple[str, str, str]:
    """(library, network, weights or "") of e.g. "torchvision/resnet50.IMAGENET1K_V1"; ValueError for another form."""
    library, _, rest = name.partition("/")
    network, _, weights = rest.partition(".")
    if library not in LIBRARIES or not network:
        raise ValueError(f"network {name!r} must be torchvision/<network>.<weights> or timm/<network>.<weights>")
    return library, network, weights


def weight_file(name: str) -> WeightFile:
    """The published file of the network called `name`; WeightsError if the library has none."""
    library, network, weights = split_name(name)
    if library == "timm":
        return timm_file(f"{network}.{weights}" if weights else network)
    return torchvision_file(network, weights)


def build(name: str, classes: int, arguments: Mapping[str, Any]) -> "torch.nn.Module":
    """The network with random weights and a last layer of `classes` outputs, as in its file.

    ConfigError if the library has no such network, or it does not take the arguments.
    """
    library, network, _ = split_name(name)
    try:
        if library == "timm":
            import timm

            model: torch.nn.Module = timm.create_model(network, pretrained=False, num_classes=classes, **arguments)
        else:
            from torchvision import models

            skip_init = _without_slow_init(network)
            model = models.get_model(network, weights=None, num_classes=classes, **skip_init, **arguments)
    except (ValueError, RuntimeError, TypeError) as error:
        raise ConfigError(f"network {name!r}: {library} cannot build it: {error}") from None
    return model


def remove_last_layer(network: "torch.nn.Module") -> "torch.nn.Module":
    """The network with its last linear layer (or 1 x 1 x 1 convolution) replaced by the identity."""
    from torch import nn

    network.set_submodule(_last_layer(network), nn.Identity())
    return network


def last_layer(network: "torch.nn.Module") -> "torch.nn.Linear":
    """The layer that `remove_last_layer` removes; a convolution as the linear layer that does the same to features."""
    import torch
    from torch import nn

    layer: Any = network.get_submodule(_last_layer(network))
    if isinstance(layer, nn.Linear):
        return layer
    linear = nn.Linear(layer.in_channels, layer.out_channels, layer.bias is not None)
    with torch.no_grad():
        linear.weight.copy_(layer.weight.flatten(1))
        if layer.bias is not None:
            linear.bias.copy_(layer.bias)
    return linear


def _last_layer(network: "torch.nn.Module") -> str:
    from torch import nn

    found = [
        name
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear) or (isinstance(module, nn.Conv3d) and module.kernel_size == (1, 1, 1))
    ]
    return str(found[-1])


def current_names(tensors: Tensors) -> Tensors:
    """A state dict saved by DataParallel, or by a DenseNet of before 2018, under the names of today's network."""
    old_dense = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])\.")
    return {old_dense.sub(r"\1\2.", name): tensor for name, tensor in without_module_prefix(tensors).items()}


def _without_slow_init(network: str) -> dict[str, bool]:
    """Arguments that skip the slow random initialisation of which torchvision warns; the weights are replaced."""
    return {"init_weights": False, "aux_logits": True} if network in {"inception_v3", "googlenet"} else {}
