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
