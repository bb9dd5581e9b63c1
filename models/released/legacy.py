"""Reads checkpoints written by PyTorch before 1.6, without executing code that their pickles may contain.

Such a file is five pickles (magic number, protocol, sizes, the object, the keys of its storages) and then, for each
key, the number of entries and their bytes. Only the global names in ALLOWED are resolved; any other name is an error.
"""

import os
import pickle
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from pipeline.errors import StoreError

MAGIC = 0x1950A86A20F9469CFC6C
DTYPES = {
    "FloatStorage": torch.float32, "DoubleStorage": torch.float64, "HalfStorage": torch.float16,
    "LongStorage": torch.int64, "IntStorage": torch.int32, "ShortStorage": torch.int16,
    "CharStorage": torch.int8, "ByteStorage": torch.uint8, "BoolStorage": torch.bool,
}  # fmt: skip


@dataclass(frozen=True)
class _Storage:
    key: str
    dtype: torch.dtype
    entries: int


@dataclass(frozen=True)
class _View:
    """A tensor whose storage has not been read yet."""

    storage: _Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


class _Ignored:
    """Stands in for objects of the authors' program that no weight depends on; accepts any arguments."""

    def __new__(cls, *args: Any, **kwargs: Any) -> "_Ignored":
        return super().__new__(cls)

    def __setstate__(self, state: Any) -> None:
        pass


def _view(storage: _Storage, offset: int, size: Sequence[int], stride: Sequence[int], *_: Any) -> _View:
    return _View(storage, offset, tuple(size), tuple(stride))


def _ignore(*_: Any) -> _Ignored:
    return _Ignored()


ALLOWED: dict[tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _view,
    ("torch._utils", "_rebuild_parameter"): lambda data, *_: data,
    ("parse_config", "ConfigParser"): _Ignored,
    ("argparse", "Namespace"): _Ignored,
    ("pathlib", "PosixPath"): _Ignored,
    ("numpy", "dtype"): _Ignored,
    ("numpy.core.multiarray", "scalar"): _ignore,
    ("numpy._core.multiarray", "scalar"): _ignore,
    ("_codecs", "encode"): _ignore,
}


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in DTYPES:
            return DTYPES[name]
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which such a file has no need of")
        return ALLOWED[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _location, entries, parent = pid
        if kind != "storage" or not isinstance(dtype, torch.dtype) or parent is not None:
            raise pickle.UnpicklingError(f"it refers to {kind!r}, which is no storage of its own")
        return self.storages.setdefault(str(key), _Storage(str(key), dtype, int(entries)))


def state_dict(path: Path) -> dict[str, Tensor]:
    """The weights under "state_dict" of a checkpoint, on the CPU; raises StoreError for any other file."""
    with path.open("rb") as file:
        try:
            return _read(file)
        except Exception as error:  # a broken pickle may raise any exception
            raise StoreError(f"{path}: not a checkpoint of the published models: {error}") from None


def _read(file: BinaryIO) -> dict[str, Tensor]:
    if file.read(2) == b"PK":
        raise ValueError("it is a zip archive, which newer versions of PyTorch write; the published models are older")
    file.seek(0)
    if _Unpickler(file).load() != MAGIC:
        raise ValueError("it does not begin as PyTorch's files do")
    _protocol, sizes = _Unpickler(file).load(), _Unpickler(file).load()
    if not sizes.get("little_endian"):
        raise ValueError("its numbers are not little-endian")
    unpickler = _Unpickler(file)
    views: dict[str, _View] = unpickler.load()["state_dict"]
    wanted = {view.storage.key for view in views.values()}
    storages = _storages(file, unpickler.storages, wanted)
    return {
        name: storages[view.storage.key].as_strided(view.size, view.stride, view.offset).clone()
        for name, view in views.items()
    }


def _storages(file: BinaryIO, known: dict[str, _Storage], wanted: set[str]) -> dict[str, Tensor]:
    """The storages in `wanted`, each (n,); skips the others, of which the optimiser's are three quarters of a file."""
    end = os.fstat(file.fileno()).st_size
    found = {}
    for key in _Unpickler(file).load():
        storage = known[key]
        entries = int.from_bytes(file.read(8), "little")
        num_bytes = entries * storage.dtype.itemsize
        if entries != storage.entries or file.tell() + num_bytes > end:
            raise ValueError(f"storage {key} is cut off or not as long as announced")
        if key in wanted:
            numbers = bytearray(file.read(num_bytes))
            found[key] = torch.frombuffer(numbers, dtype=storage.dtype) if numbers else torch.empty(0)
        else:
            file.seek(num_bytes, os.SEEK_CUR)
    return found
