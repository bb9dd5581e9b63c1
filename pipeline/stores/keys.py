"""Keys of rows as 16 bytes each, so that millions of them fit into memory and are compared at once."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Packed = NDArray[np.uint64]
"""(N, 2): the first and the last 8 bytes of each key."""

DIGITS = 32
_PLAIN = re.compile(rf"[0-9a-f]{{{DIGITS}}}")


def pack(keys: Sequence[str]) -> tuple[Packed, dict[bytes, str]]:
    """The keys in 16 bytes each, and those that are not 32 hex digits by their bytes, which are then of a hash.

    Such are the keys of videos whose files are missing.
    """
    joined = "".join(keys)
    if set(map(len, keys)) <= {DIGITS} and (digits := _digits(joined)) is not None:
        return _view(digits), {}
    packed = [bytes.fromhex(key) if _PLAIN.fullmatch(key) else _hashed(key) for key in keys]
    others = {one: key for one, key in zip(packed, keys, strict=True) if one.hex() != key}
    return _view(b"".join(packed)), others


def unpack(packed: Packed, others: Mapping[bytes, str]) -> list[str]:
    """The keys as they were before `pack`."""
    joined = packed.tobytes().hex()
    plain = [joined[first : first + DIGITS] for first in range(0, len(joined), DIGITS)]
    return [others.get(bytes.fromhex(key), key) for key in plain] if others else plain


def _digits(joined: str) -> bytes | None:
    """The bytes of hex digits; None where there is anything else, as capitals or spaces are."""
    try:
        digits = bytes.fromhex(joined)
    except ValueError:
        return None
    return digits if digits.hex() == joined else None


def _hashed(key: str) -> bytes:
    return hashlib.sha256(f"key {key}".encode("utf-8", "surrogatepass")).digest()[: DIGITS // 2]


def _view(packed: bytes) -> Packed:
    return np.frombuffer(packed, np.uint64).reshape(-1, 2)


class Sorted:
    """Finds keys among many: (N, 2) packed; of equal ones the first of those that `last` does not put off."""

    def __init__(self, packed: Packed, last: NDArray[np.bool_] | None = None) -> None:
        order = np.argsort(packed[:, 0])  # not stable, which takes three times as long: equal ones are sorted below
        high = packed[order, 0]
        if (high[1:] == high[:-1]).any():
            keys = (packed[:, 1], packed[:, 0]) if last is None else (last, packed[:, 1], packed[:, 0])
            order = np.lexsort(keys)
            high = packed[order, 0]
        self.order: NDArray[np.int64] = order
        """(N,) The keys in ascending order."""
        self._high, self._packed = high, packed

    def find(self, wanted: Packed) -> NDArray[np.int64]:
        """(M,) the place of each wanted key among the N, or -1."""
        found = np.full(len(wanted), -1)
        places = np.searchsorted(self._high, wanted[:, 0])
        open_ = np.arange(len(wanted))
        while len(open_):  # almost always once: two keys share their first 8 bytes
            open_ = open_[places[open_] < len(self._high)]
            open_ = open_[self._high[places[open_]] == wanted[open_, 0]]
            rows = self.order[places[open_]]
            same = self._packed[rows, 1] == wanted[open_, 1]
            found[open_[same]] = rows[same]
            open_ = open_[~same]
            places[open_] += 1
        return found


class Keys:
    """The keys of the videos or captions of a dataset, in their order; several may have the same one."""

    def __init__(self, keys: Iterable[str]) -> None:
        self.packed, self.others = pack(list(keys))
        """(N, 2), and the keys that are not 32 hex digits."""

    def __len__(self) -> int:
        return len(self.packed)

    @cached_property
    def sorted(self) -> Sorted:
        """The keys in order."""
        return Sorted(self.packed)

    @cached_property
    def is_first(self) -> NDArray[np.bool_]:
        """(N,) whether no earlier key is the same."""
        ascending = self.packed[self.sorted.order]
        first = np.ones(len(self), np.bool_)
        first[self.sorted.order[1:]] = (ascending[1:] != ascending[:-1]).any(axis=1)
        return first

    def find_in(self, among: Sorted) -> NDArray[np.int64]:
        """(N,) the place of each key in `among`, or -1."""
        found = np.empty(len(self), np.int64)
        found[self.sorted.order] = among.find(self.packed[self.sorted.order])  # in order, the memory is read once
        return found

    def chosen(self, which: NDArray[np.int64] | NDArray[np.bool_]) -> list[str]:
        """The keys at these places, or where `which` is true."""
        return unpack(self.packed[which], self.others)


class KeySet(Set[str]):
    """A set of some of the `keys`, of one byte each beside these: for each place whether it is `chosen`.

    Asked for one key at a time it is slow, see `contained`.
    """

    def __init__(self, keys: Keys, chosen: NDArray[np.bool_]) -> None:
        self._keys, self._chosen = keys, chosen
        self._num = int((chosen & keys.is_first).sum())

    def __len__(self) -> int:
        return self._num

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys.chosen(self._chosen & self._keys.is_first))

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.holds([key])[0]

    def holds(self, keys: Sequence[str]) -> list[bool]:
        """For each of these keys whether it is in the set."""
        places = self._keys.sorted.find(pack(keys)[0])
        found: list[bool] = (self._chosen[places] & (places >= 0)).tolist() if len(self._keys) else [False] * len(keys)
        return found

    def less(self, keys: Sequence[str]) -> "KeySet":
        """The set without these keys."""
        places, chosen = self._keys.sorted.find(pack(keys)[0]), self._chosen.copy()
        chosen[places[places >= 0]] = False
        return KeySet(self._keys, chosen)

    @classmethod
    def _from_iterable(cls, keys: Iterable[str]) -> frozenset[str]:  # type: ignore[override]
        return frozenset(keys)

    @classmethod
    def of(cls, keys: Set[str]) -> "KeySet":
        """The same set in this form."""
        return keys if isinstance(keys, KeySet) else KeySet(found := Keys(sorted(keys)), np.ones(len(found), np.bool_))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} of {len(self._keys)} keys)"


def contained(among: Set[str], keys: Sequence[str]) -> list[bool]:
    """For each of these keys whether it is in the set."""
    return among.holds(keys) if isinstance(among, KeySet) else [key in among for key in keys]
