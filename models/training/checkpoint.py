"""Tensors and plain facts in one file, written whole or not at all; and what a finished training leaves behind.

A file is in the safetensors format: it holds no code, and its header carries the facts as JSON.
"""

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
"""The trained network, in its training's folder."""
FACTS = "facts"


def write(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Replaces `path` at once: whoever reads it, also after a crash, finds the old file or the new one."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    save_file({key: value.contiguous() for key, value in tensors.items()}, partial, {FACTS: json.dumps(facts)})
    with partial.open("rb+") as file:
        os.fsync(file.fileno())
    partial.replace(path)


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors, on the CPU, and the facts of a file; StoreError when it is damaged."""
    try:
        with safe_open(path, "pt") as file:
            facts: dict[str, Any] = json.loads((file.metadata() or {})[FACTS])
            return {key: file.get_tensor(key) for key in file.keys()}, facts  # noqa: SIM118 - it is no mapping
    except (SafetensorError, OSError, KeyError, json.JSONDecodeError) as error:
        raise StoreError(f"{path}: damaged or not written by this program: {error}; delete it") from None


def remove_partial(folder: Path) -> None:
    """Deletes what a killed writer left of a file that never came to be."""
    for path in folder.glob(".*.partial"):
        path.unlink(missing_ok=True)


def describe(model: CE) -> dict[str, Any]:
    """All that is needed to build the network again, but its weights."""
    plain: dict[str, Any] = {
        "experts": [dataclasses.asdict(expert) for expert in model.experts],
        "text": dataclasses.asdict(model.text_input),
        "architecture": dataclasses.asdict(model.settings),
    }
    return plain


def load_model(folder: Path, device: str = "cpu") -> CE:
    """The network that a finished training left in `folder`, in evaluation mode."""
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
