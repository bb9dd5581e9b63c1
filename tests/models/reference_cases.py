"""Reads outputs of the original code in the form of our inputs; their origin is in tests/models/reference/README.md."""

import functools
import json
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.networks.ce import CE
from models.released import load as released

HERE = Path(__file__).parent / "reference"


def find(name: str) -> Path:
    """The reference file called `name`, from its folder or from cases.tar.xz."""
    return next(path for folder in (HERE, Path(_unpacked().name)) if (path := folder / name).exists())


@functools.cache
def _unpacked() -> "tempfile.TemporaryDirectory[str]":
    """A folder with the files of cases.tar.xz, deleted at the end of the process."""
    folder = tempfile.TemporaryDirectory(prefix="reference-")
    with tarfile.open(HERE / "cases.tar.xz") as archive:
        archive.extractall(folder.name, filter="data")
    return folder


@dataclass(frozen=True)
class Case:
    """One .npz file of the reference data."""

    arrays: dict[str, Any]
    meta: dict[str, Any]

    def part(self, prefix: str) -> dict[str, Tensor]:
        """The arrays below `prefix/`; float16 ones are exact and become float32."""
        found = {
            key.removeprefix(f"{prefix}/"): value for key, value in self.arrays.items() if key.startswith(f"{prefix}/")
        }
        return {key: torch.from_numpy(_widened(value)) for key, value in found.items()}


def load(name: str) -> Case:
    with np.load(find(name)) as file:
        arrays = {key: file[key] for key in file.files}
    return Case(arrays, json.loads(str(arrays.pop("meta"))))


def network(case: Case, weights: str = "sd") -> CE:
    """The network of a model case, with the weights below `weights/`."""
    return released.build(config(case), case.part(weights))


def config(case: Case) -> dict[str, Any]:
    """The part of a config.json that a model case's constructor facts correspond to."""
    facts = case.meta["config"]
    names = facts["modality_order"]
    return {
        "experts": {"modalities": names[::-1], "ce_shared_dim": facts["ce_shared_dim"]},
        "arch": {"type": "CENet", "args": facts},
        "data_loader": {"args": {"max_tokens": dict.fromkeys([*names, "text"], 99)}},
    }


def inputs(case: Case, prefix: str) -> tuple[dict[str, Tensor], dict[str, Tensor], Tensor]:
    """Experts, availability and text of the pass below `prefix/`."""
    text = torch.from_numpy(_widened(case.arrays[f"{prefix}/text"]))
    return case.part(f"{prefix}/experts"), case.part(f"{prefix}/ind"), text


def _widened(value: np.ndarray) -> np.ndarray:
    return value.astype(np.float32) if value.dtype == np.float16 else value
