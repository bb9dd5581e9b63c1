"""Columns of rows are compared with the rows that they were made of."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.stores.keys import Keys
from pipeline.stores.part_index import Row
from pipeline.stores.row_table import EMPTY, Held, merged, notes_of, table_of

GOOD = st.builds(Row, st.sampled_from("abcdefgh"), st.integers(0, 3), st.just(False), st.sampled_from(["", "dim", "x"]))
FAILED = st.builds(Row, st.sampled_from("abcdefgh"), st.just(0), st.just(True), st.sampled_from(["crashed", "x"]))
PARTS = st.dictionaries(st.sampled_from([f"part-{n}.zarr" for n in range(9)]), st.lists(GOOD | FAILED, max_size=5))


def best_of(parts):
    """Key -> its row, a good one before a failed one, as a loop over all rows finds it."""
    found = {}
    for name in sorted(parts):
        for row in parts[name]:
            if row.key not in found or (found[row.key].failed and not row.failed):
                found[row.key] = row
    return found


@settings(max_examples=40)
@given(PARTS)
def test_rows_come_back_by_part_and_the_best_of_each_key(parts):
    table = table_of(parts.items())
    assert table.parts == tuple(sorted(parts))
    assert {name: table.rows_of(name) for name in parts} == parts
    assert {row.key: row for row in table.rows(table.best)} == best_of(parts)
    assert table.failed_parts == [name for name in sorted(parts) if all(row.failed for row in parts[name])]


@settings(max_examples=40)
@given(PARTS)
def test_each_row_has_its_vectors_in_the_arrays_of_its_part(parts):
    table = table_of(parts.items())
    places = np.arange(len(table))
    numbers, spans = table.parts_of(places), table.spans(places)
    for number, name in enumerate(table.parts):
        ends = np.cumsum([0, *(row.count for row in parts[name])])
        assert spans[numbers == number].tolist() == list(map(list, pairwise(ends)))
        assert table.num_vectors(number) == ends[-1]


@settings(max_examples=40)
@given(PARTS, PARTS)
def test_two_tables_become_one_of_the_parts_that_are_wanted(one, two):
    two = {name: rows for name, rows in two.items() if name not in one}
    wanted = {name for name in one | two if "2" not in name}
    table = merged([table_of(one.items()), table_of(two.items())], wanted.__contains__)
    assert table.parts == tuple(sorted(wanted))
    assert {name: table.rows_of(name) for name in wanted} == {name: (one | two)[name] for name in wanted}


@settings(max_examples=40)
@given(PARTS, st.lists(st.sampled_from("abcdefghij"), max_size=12))
def test_what_a_store_holds_of_some_keys(parts, keys):
    best, held = best_of(parts), Held(table_of(parts.items()), Keys(keys))
    mine = [best[key] for key in dict.fromkeys(keys) if key in best]
    assert (held.num_keys, held.num_rows) == (len(set(keys)), len(mine))
    assert held.remaining == set(keys) - best.keys()
    assert held.missing == [place for place, key in enumerate(keys) if key not in best]
    assert held.failed == [row for row in mine if row.failed]
    assert held.num_present == sum(row.count > 0 for row in mine)
    assert held.num_absent == sum(row.count == 0 and not row.failed for row in mine)
    assert held.num_noted == sum(row.count > 0 and bool(row.reason) for row in mine)
    assert [held.row(place) for place in range(len(keys))] == [best.get(key) for key in keys]
    assert held.is_present.tolist() == [key in best and best[key].count > 0 for key in keys]


@settings(max_examples=40)
@given(PARTS, PARTS, st.lists(st.sampled_from("abcdefghij"), max_size=12))
def test_notes_of_several_stores_are_told_by_key(one, two, keys):
    shared, expected = Keys(keys), []
    for place, key in enumerate(keys):
        rows = [(number, best_of(parts).get(key)) for number, parts in enumerate((one, two))]
        told = [(n, row.reason, row.count > 0) for n, row in rows if row and row.reason and not row.failed]
        expected += [(place, tuple(told))] if told else []
    assert list(notes_of([Held(table_of(parts.items()), shared) for parts in (one, two)])) == expected


def test_what_is_held_is_found_once_for_a_table_and_its_keys():
    table, keys = table_of([("part-0.zarr", [Row("a", 1)])]), Keys(["a", "b"])
    assert table.held(keys) is table.held(keys)
    assert table.held(Keys(["a"])).num_rows == 1


@settings(max_examples=40)
@given(PARTS, st.randoms())
def test_some_rows_in_any_order_are_found_by_part_each_once(parts, chance):
    table = table_of(parts.items())
    places = np.array(chance.choices(range(len(table)), k=2 * len(table)) if len(table) else [], np.int64)
    found = list(table.by_part(places))
    assert [number for number, _ in found] == sorted(set(table.parts_of(places).tolist()))
    for number, mine in found:
        assert mine.tolist() == np.flatnonzero(table.parts_of(places) == number).tolist()


def test_an_empty_store_holds_nothing():
    held = Held(EMPTY, Keys(["a"]))
    assert (held.num_rows, held.remaining, held.failed, list(notes_of([held]))) == (0, {"a"}, [], [])
    assert list(notes_of([])) == []
    with pytest.raises(KeyError):
        EMPTY.rows_of("part-0.zarr")
