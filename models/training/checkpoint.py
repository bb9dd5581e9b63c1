"""Writes and reads checkpoints: tensors with JSON metadata in the safetensors format, which holds no code."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from models.architecture import Architecture
from models.network_inputs import AlignedInput, ExpertInput, TextInput
from models.networks.ce import CE
from models.networks.residual import Residual, network
from models.training.history import History
from pipeline import config
from pipeline.errors import DamagedError
from pipeline.stores import atomic, damage, places

MODEL = "model.safetensors"
"""File of the trained network, in the folder of its training."""
FACTS = "facts"
"""Key of the metadata in the header of a file. It is the only one: several would be written in a random order."""
DIGEST = "sha256"
"""Key in these facts of a digest of the others and of all tensors; files from before November 2026 have none."""


def write(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Writes or replaces `path` atomically: a reader, also after a crash, finds either the old file or the new one.

    `facts`: plain JSON.
    """
    written = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
    checked = dict(facts) | {DIGEST: _digest(written, facts)}
    with atomic.replacing(path) as temporary:
        save_file(written, temporary, {FACTS: json.dumps(checked)})


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors, on the CPU, and the facts of a file; raises DamagedError when it is damaged."""
    places.fetched(path)
    try:
        with safe_open(path, "pt") as file:
            facts: dict[str, Any] = json.loads((file.metadata() or {})[FACTS])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - the file is no mapping
        digest = facts.pop(DIGEST, None)
        if digest not in {None, _digest(tensors, facts)}:
            raise ValueError("its tensors have another checksum than when they were written")
    except PermissionError as error:
        raise damage.unreadable(path, "the file", error) from None
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise DamagedError(damage.result_of(path), f"{path.name}: not written by this program, or {error}") from None
    return tensors, facts


def _digest(tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> str:
    """SHA-256 of the names, shapes and bytes of the tensors, and of the facts."""
    digest = hashlib.sha256(json.dumps(facts).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data if tensor.numel() else b"")
    return digest.hexdigest()


def remove_partial(folder: Path) -> None:
    """Deletes the temporary files of killed processes."""
    for pattern in (f"{atomic.TEMPORARY}*", ".*.partial"):  # the second one is from before November 2026
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)


def describe(model: CE) -> dict[str, Any]:
    """The configuration of a network, as plain JSON: with its weights, all that `load_model` needs."""
    plain: dict[str, Any] = {
        "experts": [dataclasses.asdict(expert) for expert in model.experts],
        "text": dataclasses.asdict(model.text_input),
        "architecture": model.settings.plain,
    }
    if isinstance(model, Residual):
        plain["aligned"] = [dataclasses.asdict(one) for one in model.aligned]
    return plain


def read_history(folder: Path) -> History:
    """The history of the finished training in `folder`; raises DamagedError as `load_model` does."""
    return History.parse(read(folder / MODEL)[1]["history"])


def load_model(folder: Path, device: str = "cpu") -> CE:
    """The network of the finished training in `folder`, in evaluation mode; raises DamagedError when it is."""
    path = folder / MODEL
    tensors, facts = read(path)
    where, description = str(path), facts["model"]
    model = network(
        [config.parse(ExpertInput, expert, where) for expert in description["experts"]],
        config.parse(TextInput, description["text"], where),
        config.parse(Architecture, description["architecture"], where),
        [config.parse(AlignedInput, one, where) for one in description.get("aligned", ())],
    )
    if isinstance(model, Residual):
        tensors.setdefault("base", model.base)  # of before November 2026: even weights
    model.load_state_dict(tensors)
    return model.eval().to(torch.device(device))
