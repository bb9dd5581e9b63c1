"""Writes and reads checkpoints: tensors with JSON metadata in the safetensors format, which holds no code."""

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from models.config import Architecture
from models.network_inputs import ExpertInput, TextInput
from models.networks.ce import CE
from pipeline import config
from pipeline.errors import StoreError

MODEL = "model.safetensors"
"""File of the trained network, in the folder of its training."""
FACTS = "facts"
"""Key of the metadata in the header of a file."""


def write(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Writes or replaces `path` atomically: a reader, also after a crash, finds either the old file or the new one.

    `facts`: plain JSON.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    save_file({key: value.contiguous() for key, value in tensors.items()}, partial, {FACTS: json.dumps(facts)})
    with partial.open("rb+") as file:
        os.fsync(file.fileno())
    partial.replace(path)


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors, on the CPU, and the facts of a file; raises StoreError when it is damaged."""
    try:
        with safe_open(path, "pt") as file:
            facts: dict[str, Any] = json.loads((file.metadata() or {})[FACTS])
            return {key: file.get_tensor(key) for key in file.keys()}, facts  # noqa: SIM118 - the file is no mapping
    except (SafetensorError, OSError, KeyError, json.JSONDecodeError) as error:
        raise StoreError(f"{path}: damaged or not written by this program: {error}; delete it") from None


def remove_partial(folder: Path) -> None:
    """Deletes the temporary files of killed processes."""
    for path in folder.glob(".*.partial"):
        path.unlink(missing_ok=True)


def describe(model: CE) -> dict[str, Any]:
    """The configuration of a network, as plain JSON: with its weights, all that `load_model` needs."""
    plain: dict[str, Any] = {
        "experts": [dataclasses.asdict(expert) for expert in model.experts],
        "text": dataclasses.asdict(model.text_input),
        "architecture": dataclasses.asdict(model.settings),
    }
    return plain


def load_model(folder: Path, device: str = "cpu") -> CE:
    """The network of the finished training in `folder`, in evaluation mode; raises StoreError when it is damaged."""
    path = folder / MODEL
    tensors, facts = read(path)
    where, description = str(path), facts["model"]
    model = CE(
        [config.parse(ExpertInput, expert, where) for expert in description["experts"]],
        config.parse(TextInput, description["text"], where),
        config.parse(Architecture, description["architecture"], where),
    )
    model.load_state_dict(tensors)
    return model.eval().to(torch.device(device))
