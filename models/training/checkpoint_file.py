"""The form of a checkpoint: tensors with facts in its header, and a digest of all. Reads it as NumPy arrays.

Without torch, which takes seconds to import: for what only looks, and for queries.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from models.architecture import Architecture
from models.network_inputs import AlignedInput, ExpertInput, TextInput
from models.networks.text_side import TextSide, is_of_text_side
from pipeline import config
from pipeline.errors import DamagedError
from pipeline.stores import damage, places

MODEL = "model.safetensors"
"""File of the trained network, in the folder of its training."""
FACTS = "facts"
"""Key of the metadata in the header of a file. It is the only one: several would be written in a random order."""
DIGEST = "sha256"
"""Key in these facts of a digest of the others and of all tensors; files from before November 2026 have none."""


class Digest:
    """SHA-256 of the facts, and of the names, shapes and bytes of the tensors, which are added sorted by name."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self._sha256 = hashlib.sha256(json.dumps(facts).encode())

    def add(self, name: str, kind: str, shape: tuple[int, ...], values: bytes | memoryview) -> None:
        """Adds a tensor; `kind`: its dtype, as torch names it."""
        self._sha256.update(f"{name} {kind} {shape}".encode())
        self._sha256.update(values)

    @property
    def hex(self) -> str:
        """The digest of all that was added."""
        return self._sha256.hexdigest()

    def check(self, written: str | None) -> None:
        """Raises ValueError unless the digest is the one that was `written`; None: it was not."""
        if written not in {None, self.hex}:
            raise ValueError("its tensors have another checksum than when they were written")


@contextmanager
def opened(path: Path, framework: str) -> Iterator[tuple[Any, dict[str, Any], str | None]]:
    """The file in the context, as safetensors opens it, with its facts and its digest; fetched where it is elsewhere.

    What goes wrong inside since the file is damaged is a DamagedError.
    """
    places.fetched(path)
    try:
        with safe_open(path, framework) as file:
            facts: dict[str, Any] = json.loads((file.metadata() or {})[FACTS])
            yield file, facts, facts.pop(DIGEST, None)
    except PermissionError as error:
        raise damage.unreadable(path, "the file", error) from None
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise DamagedError(damage.result_of(path), f"{path.name}: not written by this program, or {error}") from None


def read_arrays(path: Path, is_wanted: Callable[[str], bool]) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The tensors of the wanted names, and the facts; all are compared with the digest, and DamagedError told."""
    arrays = {}
    with opened(path, "numpy") as (file, facts, written):
        digest = Digest(facts)
        for name in sorted(file.keys()):
            array = file.get_tensor(name)
            digest.add(name, f"torch.{array.dtype}", array.shape, array.tobytes())
            if is_wanted(name):
                arrays[name] = array
        digest.check(written)
    return arrays, facts


@dataclass(frozen=True)
class Described:
    """What a network is, without its weights."""

    experts: tuple[ExpertInput, ...]
    text: TextInput
    architecture: Architecture
    aligned: tuple[AlignedInput, ...]

    @classmethod
    def parse(cls, facts: Mapping[str, Any], where: str) -> "Described":
        """From the facts of a file, of which an error says `where`."""
        model = facts["model"]
        return cls(
            tuple(config.parse(ExpertInput, expert, where) for expert in model["experts"]),
            config.parse(TextInput, model["text"], where),
            config.parse(Architecture, model["architecture"], where),
            tuple(config.parse(AlignedInput, one, where) for one in model.get("aligned", ())),
        )


def load_text_side(folder: Path) -> TextSide:
    """The text side of the finished training in `folder`, without torch; raises DamagedError when that is damaged."""
    arrays, facts = read_arrays(folder / MODEL, is_of_text_side)
    of = Described.parse(facts, str(folder / MODEL))
    if of.aligned:  # a file of before November 2026 has no `base`: even weights
        arrays.setdefault("base", np.full(len(of.aligned), 1 / len(of.aligned), np.float32))
    experts = sorted(of.experts, key=lambda expert: expert.name)
    aligned = sorted(of.aligned, key=lambda one: one.name) if of.architecture.is_aligned else ()
    return TextSide(experts, of.text, of.architecture, aligned, arrays)
