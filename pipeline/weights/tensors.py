"""Reads the tensors of a weight file without running code that the file may contain."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import WeightsError


def load_tensors(path: Path) -> dict[str, Any]:
    """Name -> tensor (or plain value) of a .safetensors file or a PyTorch checkpoint (its `state_dict`, if it has one).

    WeightsError when the file is not a checkpoint, or asks for code to be run.
    """
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    import pickle

    import torch

    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise WeightsError(f"{path}: no checkpoint that holds tensors only: {error}; fetch it again") from None
    if not isinstance(loaded, Mapping):
        raise WeightsError(f"{path}: holds a {type(loaded).__name__} in place of named tensors")
    inner = loaded.get("state_dict")
    return dict(inner if isinstance(inner, Mapping) else loaded)


def by_order(tensors: Mapping[str, Any], network: Mapping[str, Any]) -> dict[str, Any]:
    """The tensors of a file under the names that a network's state dict has at the same places.

    For ports of one network whose authors named the layers differently but built them in the same order. A state dict
    with the network's own names is returned as it is. WeightsError, with the first difference, unless both have as
    many tensors, and at each place the same shape and the same last part of the name (weight, bias, running_mean, ...).
    """
    if tensors.keys() == network.keys():
        return dict(tensors)
    if len(tensors) != len(network):
        raise WeightsError(f"{len(tensors)} tensors in the file, {len(network)} in the network")
    for (name, tensor), (own_name, own) in zip(tensors.items(), network.items(), strict=True):
        kinds = name.rpartition(".")[2], own_name.rpartition(".")[2]
        shapes = tuple(getattr(tensor, "shape", ())), tuple(own.shape)
        if kinds[0] != kinds[1] or shapes[0] != shapes[1]:
            raise WeightsError(f"{name} {shapes[0]} stands where the network has {own_name} {shapes[1]}")
    return dict(zip(network, tensors.values(), strict=True))
