"""Writes and reads checkpoints: tensors with JSON metadata in the safetensors format, which holds no code."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from models.networks.ce import CE
from models.networks.residual import Residual, network
from models.training.checkpoint_file import DIGEST, FACTS, MODEL, Described, Digest, opened
from models.training.history import History
from pipeline.stores import atomic


def write(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Writes or replaces `path` atomically: a reader, also after a crash, finds either the old file or the new one.

    `facts`: plain JSON.
    """
    written = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
    checked = dict(facts) | {DIGEST: _digest(written, facts).hex}
    with atomic.replacing(path) as temporary:
        save_file(written, temporary, {FACTS: json.dumps(checked)})


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors, on the CPU, and the facts of a file; raises DamagedError when it is damaged."""
    with opened(path, "pt") as (file, facts, written):
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - the file is no mapping
        _digest(tensors, facts).check(written)
    return tensors, facts


def _digest(tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> Digest:
    digest = Digest(facts)
    for name, tensor in sorted(tensors.items()):
        values = tensor.reshape(-1).view(torch.uint8).numpy().data if tensor.numel() else b""
        digest.add(name, str(tensor.dtype), tuple(tensor.shape), values)
    return digest


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
    of = Described.parse(facts, str(path))
    model = network(of.experts, of.text, of.architecture, of.aligned)
    if isinstance(model, Residual):
        tensors.setdefault("base", model.base)  # of before November 2026: even weights
    model.load_state_dict(tensors)
    return model.eval().to(torch.device(device))
