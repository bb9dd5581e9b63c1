import errno
import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import DamagedError, StoreError
from pipeline.stores import atomic, parts, raw_array, store
from pipeline.stores.parts import Features
from pipeline.stores.store import Row

DIM = 5


@pytest.fixture(autouse=True)
def fresh_process():
    forget_what_was_read()


def forget_what_was_read():
    store.forget_scans()
    parts._open.cache_clear()


def features(count, seed=0, **extras):
    rng = np.random.default_rng(seed)
    times = np.sort(rng.uniform(0, 10, (count, 2)))
    return Features(rng.standard_normal((count, DIM)).astype(np.float32), times, extras)


def chunk(part, name):
    files = [path for path in (part / name / "c").rglob("*") if path.is_file()]
    assert len(files) == 1, "one chunk an array"
    return files[0]


def test_what_is_published_is_read_back_bit_for_bit(tmp_path):
    given = [features(3, 1), features(0), features(70, 2)]
    rows = [Row("a", 3), Row("b", 0, reason="no audio stream"), Row("c", 70)]
    parts.publish(tmp_path, rows, given, DIM)
    for row, item in zip(rows, given, strict=True):
        kept = parts.read_features(tmp_path, row.key)
        np.testing.assert_array_equal(kept.values, item.values)
        np.testing.assert_array_equal(kept.times_s, item.times_s)
        assert (kept.values.dtype, kept.times_s.dtype) == (np.float32, np.float64)
    assert list(store.rows(tmp_path).values()) == rows
    assert parts.read_features(tmp_path, "nobody") is None


def test_a_reader_of_all_rows_reads_each_array_once(tmp_path, monkeypatch):
    given = {name: features(2, seed) for seed, name in enumerate("abcdef")}
    for names in ("abc", "def"):
        parts.publish(tmp_path, [Row(name, 2) for name in names], [given[name] for name in names], DIM)
    read, read_array = [], parts.read_array
    monkeypatch.setattr(parts, "read_array", lambda part, name: read.append((part, name)) or read_array(part, name))
    reader = parts.Reader(tmp_path)
    for name in "abcdef":
        np.testing.assert_array_equal(reader.features(name).values, given[name].values)
    assert sorted(name for _, name in read) == ["times_s", "times_s", "values", "values"]
    assert reader.features("nobody") is None


def test_what_is_kept_beside_the_vectors_is_read_back(tmp_path):
    text = np.array(["harbor", "日本語", ""], np.str_)
    boxes = np.arange(12, dtype=np.float32).reshape(3, 4)
    parts.publish(tmp_path, [Row("a", 3), Row("b", 0)], [features(3, text=text, box_px=boxes), features(0)], DIM)
    kept = parts.read_features(tmp_path, "a").extras
    assert kept["text"].tolist() == text.tolist()
    np.testing.assert_array_equal(kept["box_px"], boxes)
    assert kept["box_px"].dtype == np.float32


def test_a_row_without_vectors_is_the_same_whichever_rows_share_its_part(tmp_path):
    words = {"text": np.array(["hello"], np.str_)}
    parts.publish(tmp_path, [Row("a", 1), Row("beside", 0)], [features(1, **words), features(0)], DIM)
    parts.publish(tmp_path, [Row("alone", 0)], [features(0)], DIM)
    beside, alone = (parts.read_features(tmp_path, key) for key in ("beside", "alone"))
    assert beside.extras == alone.extras == {}
    assert beside.values.shape == alone.values.shape == (0, DIM)
    assert parts.read_features(tmp_path, "a").extras["text"].tolist() == ["hello"]


def test_numbers_beside_the_vectors_are_read_for_many_rows_at_once(tmp_path):
    given = {"a": features(2, labels=np.array([[5, 1], [300, 2]], np.int16)), "b": features(0), "c": features(0)}
    for names in ("ab", "c"):  # the second part has empty rows alone, and so no labels
        parts.publish(tmp_path, [Row(n, len(given[n].values)) for n in names], [given[n] for n in names], DIM)
    found = parts.Reader(tmp_path).beside("labels", ["c", "a", "b"])
    np.testing.assert_array_equal(found.values, [[5, 1], [300, 2]])
    np.testing.assert_array_equal(found.offsets, [0, 0, 2, 2])
    assert parts.Reader(tmp_path).beside("labels", ["b", "c"]).values.shape == (0, 0)
    with pytest.raises(DamagedError, match="'scores' is not there"):
        parts.Reader(tmp_path).beside("scores", ["a"])


def test_good_and_failed_rows_go_to_parts_of_their_own(tmp_path):
    rows = [Row("a", 1), Row("b", 0, failed=True, reason="gave up after 120 s"), Row("c", 0)]
    written = parts.publish(tmp_path, rows, [features(row.count) for row in rows], DIM)
    assert [[row.key for row in store.rows_of(part)] for part in written] == [["a", "c"], ["b"]]
    assert parts.publish(tmp_path / "none", [], [], DIM) == []
    assert not (tmp_path / "none").exists()


def test_rows_are_read_in_the_order_asked_for_from_many_parts(tmp_path):
    given = {key: features(count, count) for key, count in (("a", 2), ("b", 0), ("c", 1), ("d", 4))}
    for keys in ("ab", "cd"):
        parts.publish(tmp_path, [Row(key, len(given[key].values)) for key in keys], [given[key] for key in keys], DIM)
    block = parts.read(tmp_path, ["d", "a", "b", "a"], DIM)
    assert block.counts.tolist() == [4, 2, 0, 2]
    np.testing.assert_array_equal(block[0], given["d"].values)
    np.testing.assert_array_equal(block[3], given["a"].values)
    assert len(parts.read(tmp_path, [], DIM)) == 0


def test_a_row_has_as_many_times_as_vectors_and_a_failure_that_worked_later_counts_as_it_is_now(tmp_path):
    first, later = features(2, 1), features(3, 2)
    parts.publish(
        tmp_path, [Row("a", 2), Row("b", 0), Row("c", 0, failed=True)], [first, features(0), features(0)], DIM
    )
    parts.publish(tmp_path, [Row("c", 3)], [later], DIM)
    reader = parts.Reader(tmp_path)
    assert [reader.count(key) for key in "abc"] == [2, 0, 3]
    times_s = reader.times_s(["c", "b", "a"])
    assert times_s.counts.tolist() == [3, 0, 2]
    np.testing.assert_array_equal(times_s[0], later.times_s.astype(np.float32))
    np.testing.assert_array_equal(times_s[2], first.times_s.astype(np.float32))
    with pytest.raises(StoreError, match=r"rows are not there, e\.g\. nobody"):
        reader.count("nobody")


def test_another_zarr_reader_sees_the_same(tmp_path):
    import zarr

    given = features(4, text=np.array(["a", "b", "c", "d"], np.str_))
    (part,) = parts.publish(tmp_path, [Row("a", 4)], [given], DIM)
    group = zarr.open_group(part, mode="r")
    np.testing.assert_array_equal(group["values"][:], given.values)
    np.testing.assert_array_equal(group["offsets"][:], [0, 4])
    assert list(group["text"][:]) == ["a", "b", "c", "d"]
    assert group.metadata.zarr_format == 3


def test_the_chunk_is_the_raw_array_and_four_bytes(tmp_path):
    given = features(7)
    (part,) = parts.publish(tmp_path, [Row("a", 7)], [given], DIM)
    data = chunk(part, "values").read_bytes()
    assert len(data) == given.values.nbytes + 4
    np.testing.assert_array_equal(np.frombuffer(data[:-4], "<f4").reshape(7, DIM), given.values)


def test_values_that_are_all_zero_are_written_too(tmp_path):
    zeros = Features(np.zeros((2, DIM), np.float32), np.zeros((2, 2)))
    (part,) = parts.publish(tmp_path, [Row("a", 2)], [zeros], DIM)
    chunk(part, "values").unlink()
    with pytest.raises(StoreError, match="bytes of 'values' are gone"):
        parts.read(tmp_path, ["a"], DIM)


def test_values_of_another_type_or_layout_are_kept_as_float32(tmp_path):
    given = np.asfortranarray(np.arange(10, dtype=np.float64).reshape(2, DIM))
    parts.publish(tmp_path, [Row("a", 2)], [Features(given, np.zeros((2, 2)))], DIM)
    np.testing.assert_array_equal(parts.read(tmp_path, ["a"], DIM)[0], given.astype(np.float32))


@pytest.mark.parametrize("name", ["values", "times_s", "text"])
@pytest.mark.parametrize("damage", ["gone", "cut", "empty", "flipped", "longer", "all of it"])
def test_a_damaged_array_is_told_and_never_read_as_numbers(tmp_path, name, damage):
    (part,) = parts.publish(tmp_path, [Row("a", 3)], [features(3, text=np.array(["x", "y", "z"], np.str_))], DIM)
    path = chunk(part, name)
    data = path.read_bytes()
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 1
    changed = {"gone": None, "cut": data[:-9], "empty": b"", "flipped": bytes(flipped), "longer": data + b"\0" * 8}
    if damage == "all of it":
        for file in [*part.rglob(f"{name}/**/*")]:
            if file.is_file():
                file.unlink()
    elif changed[damage] is None:
        path.unlink()
    else:
        path.write_bytes(changed[damage])
    with pytest.raises(StoreError, match=r"part-.*damaged: "):
        if name == "values":
            parts.read(tmp_path, ["a"], DIM)
        else:
            parts.read_features(tmp_path, "a")


def test_an_array_that_is_shorter_than_its_rows_say_is_told(tmp_path):
    (part,) = parts.publish(tmp_path, [Row("a", 3), Row("b", 2)], [features(3), features(2)], DIM)
    index = (part / "zarr.json").read_text()
    (part / "zarr.json").write_text(index.replace('"count": 2', '"count": 4'))
    with pytest.raises(StoreError, match="part-"):
        parts.read(tmp_path, ["b"], DIM)


def test_a_row_that_is_not_there_is_told(tmp_path):
    parts.publish(tmp_path, [Row("a", 1)], [features(1)], DIM)
    with pytest.raises(StoreError, match=r"2 rows are not there, e\.g\. b.*run the extraction again"):
        parts.read(tmp_path, ["c", "a", "b"], DIM)
    with pytest.raises(StoreError, match="1 rows are not there"):
        parts.read(tmp_path / "nowhere", ["a"], DIM)


def test_vectors_of_another_length_are_told(tmp_path):
    parts.publish(tmp_path, [Row("a", 1)], [features(1)], DIM)
    with pytest.raises(StoreError, match="vectors of length 5, expected 6"):
        parts.read(tmp_path, ["a"], 6)


@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_a_full_disk_leaves_no_half_part_and_says_what_to_do(tmp_path, monkeypatch, after):
    parts.publish(tmp_path, [Row("old", 1)], [features(1)], DIM)
    before = sorted(tmp_path.rglob("*"))
    puts = []
    put = parts._put

    def full(group, name, data):
        if len(puts) == after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        puts.append(name)
        put(group, name, data)

    monkeypatch.setattr(parts, "_put", full)
    extras = {"text": np.array(["x"], np.str_)}
    with pytest.raises(StoreError, match=r"cannot be written: No space left on device; free some space and run again"):
        parts.publish(tmp_path, [Row("new", 1)], [features(1, **extras)], DIM)
    assert sorted(tmp_path.rglob("*")) == before
    assert len(puts) == after


def test_a_disk_that_is_full_at_the_rename_leaves_no_half_part(tmp_path, monkeypatch):
    def full(source, target):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(atomic.os, "replace", full)
    with pytest.raises(StoreError, match="No space left"):
        parts.publish(tmp_path, [Row("a", 1)], [features(1)], DIM)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("extras", [{}, {"text": np.array(["x"])}], ids=["numbers", "texts, by zarr"])
def test_a_disk_that_is_really_full_is_told(tmp_path, monkeypatch, extras):
    import zarr.storage._local as local

    def to_full(path, value, *rest, **more):
        Path("/dev/full").write_bytes(value.as_numpy_array().tobytes())

    monkeypatch.setattr(local, "_put", to_full)
    if not extras:
        monkeypatch.setattr(raw_array, "_chunk", lambda folder, shape: Path("/dev/full"))
    with pytest.raises(StoreError, match="No space left on device"):
        parts.publish(tmp_path, [Row("a", 1)], [features(1, **extras)], DIM)
    assert list(tmp_path.iterdir()) == []


def test_an_error_that_is_no_fault_of_the_disk_leaves_no_half_part_either(tmp_path):
    wrong = Features(np.zeros((1, DIM + 1), np.float32), np.zeros((1, 2)))
    with pytest.raises(ValueError, match="dimension"):
        parts.publish(tmp_path, [Row("a", 1)], [wrong], DIM)
    assert list(tmp_path.iterdir()) == []


def write_parts(folder: Path, writer: int) -> None:
    for number in range(8):
        keys = [f"{writer}-{number}", f"both-{number}"]
        parts.publish(folder, [Row(key, 3) for key in keys], [features(3, number)] * 2, DIM)


def test_two_writers_at_once_lose_nothing(tmp_path):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_parts, args=(tmp_path, number)) for number in (1, 2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    keys = [f"{name}-{number}" for name in ("1", "2", "both") for number in range(8)]
    assert sorted(store.rows(tmp_path)) == sorted(keys)
    block = parts.read(tmp_path, keys, DIM)
    for index, key in enumerate(keys):
        np.testing.assert_array_equal(block[index], features(3, int(key.split("-")[1])).values)
    assert not list(tmp_path.glob(f"{atomic.TEMPORARY}*"))


def test_a_store_that_was_rewritten_is_read_anew(tmp_path):
    (part,) = parts.publish(tmp_path, [Row("a", 1)], [features(1, 1)], DIM)
    parts.read(tmp_path, ["a"], DIM)
    import shutil

    shutil.rmtree(part)
    forget_what_was_read()
    parts.publish(tmp_path, [Row("a", 1)], [features(1, 2)], DIM)
    np.testing.assert_array_equal(parts.read(tmp_path, ["a"], DIM)[0], features(1, 2).values)
