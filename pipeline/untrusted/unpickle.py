"""Loads untrusted pickles safely: plain data and numeric arrays only; a file that asks for anything else is refused.

No name in a file is ever imported. The few names that feature files need are mapped to harmless classes of this module;
any other name refuses the file. A first pass over the opcodes, which creates no object, refuses those that could make
the unpickler itself misbehave.
"""

import mmap
import pickle
import pickletools
import re
from collections.abc import Callable, Iterable, Iterator, Set
from pathlib import Path
from typing import IO, Any

import numpy as np

from pipeline.errors import ArchiveError
from pipeline.file_kinds import irregular

_OPCODES = {opcode.code: opcode for opcode in pickletools.opcodes}
_OPCODES_REFUSED = frozenset({"PERSID", "BINPERSID", "EXT1", "EXT2", "EXT4", "NEXT_BUFFER", "READONLY_BUFFER"})

_MAX_DEPTH = 8
"""Nesting of the data; feature files are dicts of lists of arrays."""

_DTYPE = re.compile(r"[<>=|]?(?:[biufc][1248]|c16|O8?|[SU]\d{1,4}|bool)")


def load_pickle(path: Path, name: str = "") -> Any:
    """The content of a pickle, as dicts, lists, sets, strings, numbers, arrays and `ExpertStore`s.

    Pickles of Python 2 are read with latin-1. ArchiveError names the file (as `name`) and why it was refused.
    """
    if why := irregular(path):
        raise ArchiveError(f"{name or path}: refused, it is {why}")
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            check_opcodes(data, len(data))
            data.seek(0)
            return _plain(_Unpickler(data).load(), {})
    except ArchiveError as error:
        raise ArchiveError(f"{name or path}: refused, {error}") from None
    except Exception as error:  # pickle does not document which exceptions a damaged file raises
        raise ArchiveError(f"{name or path}: not a pickle that can be read: {type(error).__name__}: {error}") from None


class ExpertStore:
    """The authors' table of vectors, pickled as `datastructures.ExpertStore`: `store` (N, D), `keymap` id -> row."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.state = state

    def vectors(self) -> dict[str, Any]:
        """Name -> vector (D,); all NaN for a missing one."""
        store, keymap, missing = (self.state[key] for key in ("store", "keymap", "missing"))
        return {key: np.full(store.shape[1], np.nan) if key in missing else store[row] for key, row in keymap.items()}


def check_opcodes(data: IO[bytes] | mmap.mmap, size: int, allowed: Set[str] = frozenset()) -> None:
    """ArchiveError for opcodes that are not needed, or that would make the unpickler allocate too much.

    Of the pickle of at most `size` bytes that begins where `data` stands, up to its end; `allowed`: of those refused.
    """
    memos = 0
    for name, argument in _opcodes(data):
        if name in _OPCODES_REFUSED - allowed:
            raise ArchiveError(f"it uses {name}, which no file of features needs")
        if name == "FRAME" and argument > size:
            raise ArchiveError("a frame in it is longer than the file, which may be cut")
        memos += name in {"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"}
        if name in {"PUT", "LONG_BINPUT"} and argument > size:
            # The unpickler would allocate memory for all memo indices below this one.
            raise ArchiveError(f"it numbers an object {argument} after {memos} of them")


def _opcodes(data: IO[bytes] | mmap.mmap) -> Iterator[tuple[str, Any]]:
    """(name, argument) of each opcode, like pickletools.genops, which fails on non-ASCII strings of Python 2."""
    name = ""
    while name != "STOP":
        code = data.read(1)
        opcode = _OPCODES.get(code.decode("latin1"))
        if opcode is None:
            raise ValueError(f"unknown instruction {code!r}, or cut off")
        name = opcode.name
        if name == "STRING":
            data.readline()
            yield name, None
        else:
            yield name, opcode.arg.reader(data) if opcode.arg else None  # type: ignore[arg-type]  # needs read, readline


class _Token:
    """A name that may be referred to, but not called."""

    __slots__ = ()


class Call:
    """A name that may be called; a pickle cannot change what it does."""

    __slots__ = ("_function",)
    _function: Callable[..., Any]

    def __init__(self, function: Callable[..., Any]) -> None:
        object.__setattr__(self, "_function", function)

    def __call__(self, *args: Any) -> Any:
        """What the function gives."""
        return self._function(*args)

    def __setattr__(self, name: str, value: Any) -> None:
        raise ArchiveError(f"it sets {name!r} of a function")

    def __setstate__(self, state: Any) -> None:
        raise ArchiveError("it changes a function")


class _Dtype:
    """A NumPy dtype, built without numpy's own unpickling code."""

    __slots__ = ("code", "order")

    def __init__(self, code: str, *_: Any) -> None:
        if not isinstance(code, str) or not _DTYPE.fullmatch(code):
            raise ArchiveError(f"it holds arrays of {code!r}")
        self.code, self.order = code, "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if any(part is not None for part in state[2:5]) or state[1] not in tuple("<>=|"):
            raise ArchiveError("it holds arrays of records")
        self.order = state[1]

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(self.code).newbyteorder(self.order)  # type: ignore[arg-type]


class _Array:
    """An array, built from its bytes when the pickle sets its state."""

    __slots__ = ("value",)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        shape, kind, fortran, data = state[-4:]
        if not isinstance(kind, _Dtype):
            raise ArchiveError("it holds an array of no known kind of number")
        if kind.dtype.hasobject:
            self.value: Any = list(data)
            return
        raw = data.encode("latin1") if isinstance(data, str) else data
        self.value = np.frombuffer(raw, kind.dtype).reshape(shape, order="F" if fortran else "C")


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: Any) -> None:
        super().__init__(file, encoding="latin1")
        # A subclass for this file only, so that what a file does to the class does not affect the next file.
        self._store = type("ExpertStore", (ExpertStore,), {})

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("datastructures", "ExpertStore"):
            return self._store
        module = module.replace("numpy._core", "numpy.core").replace("__builtin__", "builtins")
        known = _KNOWN.get((module.replace("copy_reg", "copyreg"), name))
        if known is None:
            raise ArchiveError(f"it asks for {module}.{name}, which no file of features needs")
        return known


def _reconstruct(kind: Any, base: Any, state: Any) -> Any:
    """Stands for copyreg._reconstructor, with which Python 2 pickles the instances of a class."""
    if not (isinstance(kind, type) and issubclass(kind, ExpertStore)) or state is not None:
        raise ArchiveError("it rebuilds an object that is no ExpertStore")
    return kind()


def _encode(text: str, encoding: str) -> bytes:
    if encoding not in {"latin1", "latin-1"}:
        raise ArchiveError(f"it encodes text as {encoding!r}")
    return text.encode("latin1")


def _scalar(kind: _Dtype, data: Any) -> Any:
    raw = data.encode("latin1") if isinstance(data, str) else data
    return np.frombuffer(raw, kind.dtype, count=1)[0].item()


def _pairs(items: Iterable[Any] = ()) -> dict[Any, Any]:
    return dict(items)


def _frombuffer(data: Any, kind: _Dtype, shape: tuple[int, ...], order: str) -> _Array:
    """Stands for numpy's _frombuffer, with which arrays are pickled in protocol 5."""
    array = _Array()
    array.__setstate__((shape, kind, order == "F", bytes(data)))
    return array


_TOKENS = ("float16", "float32", "float64", "int32", "int64")

_KNOWN: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): Call(lambda *_: _Array()),
    ("numpy.core.multiarray", "scalar"): Call(_scalar),
    ("numpy.core.numeric", "_frombuffer"): Call(_frombuffer),
    ("numpy", "dtype"): Call(_Dtype),
    ("numpy", "ndarray"): _Token(),
    ("_codecs", "encode"): Call(_encode),
    ("builtins", "bytes"): Call(lambda: b""),  # protocol 2 pickles only b"" as a call
    ("builtins", "set"): Call(set),
    ("builtins", "frozenset"): Call(frozenset),
    ("builtins", "object"): _Token(),
    ("copyreg", "_reconstructor"): Call(_reconstruct),
    ("collections", "OrderedDict"): Call(_pairs),
} | {("numpy", name): _Token() for name in _TOKENS}


def _plain(value: Any, made: dict[int, Any], depth: int = 0) -> Any:
    """The value with arrays in place of their stand-ins; `made` maps id -> result, for objects that are shared."""
    if depth > _MAX_DEPTH:
        raise ArchiveError(f"its data are nested more than {_MAX_DEPTH} deep")
    if id(value) not in made:
        made[id(value)] = _plain_inside(value, made, depth + 1)
    return made[id(value)]


def _plain_inside(value: Any, made: dict[int, Any], depth: int) -> Any:
    if isinstance(value, _Array):
        return _plain(value.value, made, depth) if isinstance(value.value, list) else value.value
    if isinstance(value, ExpertStore):
        value.state = _plain(value.state, made, depth)
        return value
    if isinstance(value, dict):
        return {key: _plain(item, made, depth) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, made, depth) for item in value]
    return None if isinstance(value, (_Token, Call, _Dtype, type)) else value
