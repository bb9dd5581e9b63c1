"""Reads a file of weights as NumPy arrays, without torch, whose import takes longer than a small network runs.

Safetensors, and what torch.save wrote: a zip archive, or before 2020 pickles with the numbers behind them. Whatever is
not exactly as known here (another type than float32, a tensor that is no plain block, a name of other code) is left to
torch. Nothing of a file is run: no name in a pickle is imported, each of the known ones stands for a class of this
module.
"""

import math
import mmap
import pickle
import struct
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ArchiveError
from pipeline.untrusted.unpickle import Call, check_opcodes

Floats = NDArray[np.float32]

_LEGACY = 0x1950A86A20F9469CFC6C, 1001
"""The first two objects of a file of torch.save that is no zip archive: its mark and version."""
_LITTLE = b"little"
_MOST_PICKLED_BYTES = 64 << 20
"""Of names and shapes; those of the largest networks take less than a megabyte."""


def load_arrays(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Floats] | None:
    """Name -> array, most of them only mapped from the file, which must not be written over while they are used.

    None where they are not the ones of these names and shapes, or torch has to read the file.
    """
    if sys.byteorder != "little":
        return None
    try:
        if path.suffix == ".safetensors":
            from safetensors.numpy import load_file

            found: dict[str, Any] = load_file(path)
        else:
            found = _of_torch(path)
    except Exception:  # a damaged file raises errors of many kinds; torch says what is wrong with it
        return None
    fits = {name: array.shape for name, array in found.items()} == shapes
    return found if fits and all(array.dtype == np.float32 for array in found.values()) else None


def _of_torch(path: Path) -> dict[str, Floats]:
    with path.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    named, blocks = _zipped(data, path) if data[:2] == b"PK" else _legacy(data)
    inner = named.get("state_dict")
    tensors = inner if isinstance(inner, Mapping) else named
    return {_checked(name, str): _checked(tensor, _Tensor).array(data, blocks) for name, tensor in tensors.items()}


@dataclass(frozen=True)
class _Block:
    """Where numbers lie in the file."""

    first_byte: int
    num: int


def _zipped(data: mmap.mmap, path: Path) -> tuple[dict[str, Any], dict[str, _Block]]:
    """The pickled object, and each block of numbers by its key."""
    with zipfile.ZipFile(path) as archive:
        members = {member.filename.partition("/")[2]: member for member in archive.infolist()}
        order = members.get("byteorder")
        if order is not None and (order.file_size != len(_LITTLE) or archive.read(order) != _LITTLE):
            raise ValueError("its numbers are big-endian")
        if members["data.pkl"].file_size > _MOST_PICKLED_BYTES:
            raise ValueError("too much besides its numbers")
        pickled = archive.read(members["data.pkl"])
    blocks = {name[5:]: _stored(data, member) for name, member in members.items() if name.startswith("data/")}
    check_opcodes(BytesIO(pickled), len(pickled), {"BINPERSID"})
    return _checked(_Unpickler(BytesIO(pickled)).load(), dict), blocks


def _stored(data: mmap.mmap, member: zipfile.ZipInfo) -> _Block:
    """Where a member lies that was not compressed: behind its header, whose length depends on its own two numbers."""
    if member.compress_type != zipfile.ZIP_STORED or member.file_size % 4:
        raise ValueError("compressed, or not of 32 bits")
    name_length, extra_length = struct.unpack_from("<HH", data, member.header_offset + 26)
    return _Block(member.header_offset + 30 + name_length + extra_length, member.file_size // 4)


def _legacy(data: mmap.mmap) -> tuple[dict[str, Any], dict[str, _Block]]:
    """As `_zipped`; the blocks lie one after another, each behind its number of numbers."""
    mark, version, system, named, keys = (_next(data) for _ in range(5))
    if (mark, version) != _LEGACY or not system["little_endian"]:
        raise ValueError("another format")
    at, blocks = data.tell(), dict[str, _Block]()
    for key in keys:
        (num,) = struct.unpack_from("<q", data, at)
        blocks[key] = _Block(at + 8, num)
        at += 8 + 4 * num
    if at != len(data):
        raise ValueError("numbers of another type")
    return _checked(named, dict), blocks


def _next(data: mmap.mmap) -> Any:
    """The next pickled object; looked through first, without creating anything."""
    begin = data.tell()
    check_opcodes(data, min(len(data), _MOST_PICKLED_BYTES), {"BINPERSID"})
    data.seek(begin)
    return _Unpickler(data).load()


@dataclass(frozen=True)
class _Tensor:
    """A tensor that the pickle describes."""

    key: str
    """Of the block in which it lies."""
    first: int
    shape: tuple[int, ...]

    def array(self, data: mmap.mmap, blocks: Mapping[str, _Block]) -> Floats:
        """Its numbers, where they lie in the file; copied where no processor could take them from there as they are."""
        block, num = blocks[self.key], math.prod(self.shape)
        if self.first + num > block.num:
            raise ValueError("beyond its block")
        found = np.frombuffer(data, np.float32, num, block.first_byte + 4 * self.first).reshape(self.shape)
        return np.require(found, requirements="A")


def _tensor(key: Any, first: Any, shape: Any, strides: Any, *_: Any) -> _Tensor:
    """Stands for torch._utils._rebuild_tensor_v2; what follows is whether it is trained, and hooks, for training."""
    sizes = tuple(_checked(size, int) for size in _checked(shape, tuple))
    plain = tuple(math.prod(sizes[place + 1 :]) for place in range(len(sizes)))
    if min(_checked(first, int), *sizes, 0) < 0 or plain != strides:
        raise ValueError("no plain block of numbers")
    return _Tensor(_checked(key, str), first, sizes)


class _Named(dict[Any, Any]):
    """Stands for OrderedDict; a state dict has versions of its modules as an attribute, which nothing here needs."""

    def __setstate__(self, state: Any) -> None:
        pass


class _FloatStorage:
    """Stands for torch's type of 32-bit numbers; never created."""


_KNOWN: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): Call(_Named),
    ("torch._utils", "_rebuild_tensor_v2"): Call(_tensor),
    ("torch", "FloatStorage"): _FloatStorage,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        return _KNOWN[module, name]

    def persistent_load(self, told: Any) -> str:
        """The key of a block of 32-bit numbers."""
        kind, of, key, _, _, *view = told
        if kind != "storage" or of is not _FloatStorage or any(view):
            raise ArchiveError("numbers of another type")
        return str(_checked(key, str))


def _checked(value: Any, kind: type[Any]) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"{type(value).__name__} in place of {kind.__name__}")
    return value
