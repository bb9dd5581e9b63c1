"""The rows of a store as columns: some 40 bytes each, where an object each would take 300."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pipeline.stores.keys import Keys, KeySet, Packed, Sorted, pack, unpack
from pipeline.stores.part_index import Row


@dataclass(frozen=True, eq=False)
class Table:
    """The N rows of the P parts of a store, in the order of the parts' names and of the rows in each.

    `held` is kept as long as the table is: a table is never changed, and another scan that found the same has the same.
    """

    parts: tuple[str, ...]
    """The P names of the parts, sorted."""
    first: NDArray[np.int64]
    """(P + 1,) where the rows of each part begin, and N."""
    keys: Packed
    """(N, 2)"""
    counts: NDArray[np.int32]
    """(N,)"""
    failed: NDArray[np.bool_]
    """(N,)"""
    reasons: NDArray[np.int32]
    """(N,) place of the reason in `texts`."""
    texts: tuple[str, ...]
    """The different reasons; the first one is empty."""
    others: Mapping[bytes, str]
    """The keys that are not 32 hex digits, see `keys.pack`."""

    def __len__(self) -> int:
        return len(self.counts)

    @cached_property
    def sorted(self) -> Sorted:
        """The keys in order; of equal ones a good row is before a failed one, then that of the first part."""
        return Sorted(self.keys, self.failed)

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        """(N + 1,) number of vectors before each row, of all parts together."""
        return np.concatenate([[0], np.cumsum(self.counts, dtype=np.int64)])

    def rows(self, places: NDArray[np.int64]) -> list[Row]:
        """The rows at these places."""
        keys = unpack(self.keys[places], self.others)
        counts, failed = self.counts[places].tolist(), self.failed[places].tolist()
        texts = [self.texts[reason] for reason in self.reasons[places].tolist()]
        return [Row(*row) for row in zip(keys, counts, failed, texts, strict=True)]

    def rows_of(self, part: str) -> list[Row]:
        """The rows of a part, in the order of its arrays; KeyError for a part that is not there."""
        number = self.numbers[part]
        return self.rows(np.arange(self.first[number], self.first[number + 1]))

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Name of a part -> its place in `parts`."""
        return {name: number for number, name in enumerate(self.parts)}

    @property
    def failed_parts(self) -> list[str]:
        """Names of the parts that hold failed rows alone."""
        failed = np.concatenate([[0], np.cumsum(self.failed)])[self.first]
        whole = np.diff(failed) == np.diff(self.first)
        return [name for name, is_failed in zip(self.parts, whole.tolist(), strict=True) if is_failed]

    @cached_property
    def best(self) -> NDArray[np.int64]:
        """Places of the rows that count, one of each key: the first good one, or else the first failed one."""
        if not len(self):
            return np.arange(0)
        order = self.sorted.order
        ascending = self.keys[order]
        first = np.concatenate([[True], (ascending[1:] != ascending[:-1]).any(axis=1)])
        return np.sort(order[first])

    def parts_of(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """(M,) place in `parts` of the part of each row."""
        return np.searchsorted(self.first, places, side="right") - 1

    def spans(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """(M, 2) where the vectors of each row begin and end in the arrays of its part."""
        before = self._starts[self.first[self.parts_of(places)]]
        return np.stack([self._starts[places] - before, self._starts[places + 1] - before], axis=1)

    def by_part(self, places: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """The place in `parts` of each part of these rows, and which of them are in it, in their order."""
        numbers = self.parts_of(places)
        order = np.argsort(numbers, kind="stable")
        borders = np.flatnonzero(np.diff(numbers[order], prepend=-1))
        for group in np.split(order, borders[1:]) if len(order) else []:
            yield int(numbers[group[0]]), group

    def num_vectors(self, number: int) -> int:
        """Number of vectors in the part with this place in `parts`."""
        return int(self._starts[self.first[number + 1]] - self._starts[self.first[number]])

    @cached_property
    def _held(self) -> dict[Keys, "Held"]:
        return {}

    def held(self, keys: Keys) -> "Held":
        """What the store has of these keys, found once for each object of keys."""
        if keys not in self._held:
            self._held[keys] = Held(self, keys)
        return self._held[keys]


class Held:
    """What a store has of some keys."""

    def __init__(self, table: Table, keys: Keys) -> None:
        self._table, self.keys = table, keys
        places = keys.find_in(table.sorted)
        self._places: NDArray[np.int32] = places.astype(np.int32)
        """(V,) place of the row of each key in the table, or -1."""
        mine = places[keys.is_first & (places >= 0)]
        counts, failed, noted = table.counts[mine] > 0, table.failed[mine], table.reasons[mine] > 0
        self.num_keys = int(keys.is_first.sum())
        """Number of different keys."""
        self.num_rows = len(mine)
        """Number of them with a row."""
        self.num_present = int(counts.sum())
        """Number of rows with vectors."""
        self.num_absent = int((~counts & ~failed).sum())
        """Number of rows without vectors that did not fail."""
        self.num_noted = int((counts & noted).sum())
        """Number of rows with vectors and a note."""
        self._failed = mine[failed]

    @property
    def remaining(self) -> KeySet:
        """The keys without a row."""
        return KeySet(self.keys, self._places < 0)

    @property
    def missing(self) -> list[int]:
        """Places of the keys without a row."""
        found: list[int] = np.flatnonzero(self._places < 0).tolist()
        return found

    @cached_property
    def failed(self) -> list[Row]:
        """The failed rows, in the order of the keys."""
        return self._table.rows(self._failed)

    @property
    def is_present(self) -> NDArray[np.bool_]:
        """(V,) whether there are vectors of each key."""
        return (self._places >= 0) & (self._table.counts[self._places] > 0) if len(self._table) else self._places >= 0

    def row(self, place: int) -> Row | None:
        """The row of the key at this place; None where there is none."""
        found = self._places[place]
        return None if found < 0 else self._table.rows(np.array([found]))[0]

    @property
    def noted(self) -> NDArray[np.int32]:
        """(V,) 0 for keys without a row, with a failed one, or one without a reason; else a number for `note`."""
        table, places = self._table, self._places
        if not self.num_rows:
            return np.zeros(len(places), np.int32)
        reasons, present = table.reasons[places], table.counts[places] > 0
        return np.where((places >= 0) & (reasons > 0) & ~table.failed[places], 2 * reasons + present, 0)

    def note(self, number: int) -> tuple[str, bool]:
        """(reason, whether there are vectors) of a number that is not 0."""
        return self._table.texts[number // 2], bool(number % 2)


Noted = tuple[tuple[int, str, bool], ...]
"""(place of the store, reason of the row, whether it has vectors) of each store whose row has a reason and is good."""


def notes_of(stores: Sequence[Held]) -> Iterator[tuple[int, Noted]]:
    """(place of the key, notes) of all keys that have any; the stores hold the same number of keys, in one order."""
    if stores:
        numbers = np.stack([one.noted for one in stores], axis=1).astype(np.int32)
        places = np.flatnonzero(numbers.any(axis=1))
        rows = numbers[places].view(f"V{4 * len(stores)}").ravel()  # bytes: a list each would keep the collector busy
        known: dict[bytes, Noted] = {}  # few are different
        for place, row in zip(places.tolist(), rows.tolist(), strict=True):
            if row not in known:
                each = enumerate(np.frombuffer(row, np.int32).tolist())
                known[row] = tuple((store, *stores[store].note(number)) for store, number in each if number)
            yield place, known[row]


def table_of(indexes: Iterable[tuple[str, Sequence[Row]]]) -> Table:
    """The table of parts with these names and rows."""
    parts, lengths, texts = list[str](), list[int](), {"": 0}
    keys, counts, failed, reasons = list[str](), list[int](), list[bool](), list[int]()
    for name, rows in sorted(indexes, key=lambda one: one[0]):
        parts.append(name)
        lengths.append(len(rows))
        keys += [row.key for row in rows]
        counts += [row.count for row in rows]
        failed += [row.failed for row in rows]
        reasons += [texts.setdefault(row.reason, len(texts)) for row in rows]
    packed, others = pack(keys)
    return Table(
        tuple(parts),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        packed,
        np.array(counts, np.int32),
        np.array(failed, np.bool_),
        np.array(reasons, np.int32),
        tuple(texts),
        others,
    )


def merged(tables: Sequence[Table], wanted: Callable[[str], bool]) -> Table:
    """One table of the parts of several that are `wanted`; no part is in two of them."""
    texts: dict[str, int] = {"": 0}
    codes = [np.array([texts.setdefault(text, len(texts)) for text in one.texts], np.int32) for one in tables]
    offsets = np.cumsum([0, *map(len, tables)])
    chosen = sorted(
        (name, int(offset + one.first[number]), int(one.first[number + 1] - one.first[number]))
        for one, offset in zip(tables, offsets, strict=False)
        for number, name in enumerate(one.parts)
        if wanted(name)
    )
    lengths = np.array([length for _, _, length in chosen], np.int64)
    first = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    begins = np.array([begin for _, begin, _ in chosen], np.int64)
    rows = np.repeat(begins - first[:-1], lengths) + np.arange(first[-1])
    reasons = [code[one.reasons] for code, one in zip(codes, tables, strict=True)]
    return Table(
        tuple(name for name, _, _ in chosen),
        first,
        np.concatenate([one.keys for one in tables])[rows],
        np.concatenate([one.counts for one in tables])[rows],
        np.concatenate([one.failed for one in tables])[rows],
        np.concatenate(reasons)[rows],
        tuple(texts),
        {key: text for one in tables for key, text in one.others.items()},
    )


EMPTY = table_of(())
