"""Arrays are compared with those that Zarr writes and reads."""

import json

import numpy as np
import pytest
import zarr
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec

from pipeline.stores.raw_array import read_raw, write_group, write_raw

ARRAYS = {
    "vectors": np.random.default_rng(0).standard_normal((7, 3)).astype(np.float32),
    "times": np.arange(8, dtype=np.float64).reshape(4, 2) / 3,
    "offsets": np.arange(5, dtype=np.int64) - 2,
    "boxes": np.arange(24, dtype=np.uint16).reshape(2, 3, 4),
}


def write(folder, array, **options):
    settings = {"chunks": array.shape, "compressors": [Crc32cCodec()], "config": {"write_empty_chunks": True}}
    zarr.create_array(folder, data=array, **settings | options)
    return folder


@pytest.mark.parametrize("name", ARRAYS)
def test_the_array_is_the_one_that_zarr_wrote(tmp_path, name):
    found = read_raw(write(tmp_path / name, ARRAYS[name]))
    np.testing.assert_array_equal(found, zarr.open_array(tmp_path / name, mode="r")[:])
    assert found.dtype == ARRAYS[name].dtype
    assert found.flags.writeable


@pytest.mark.parametrize(
    "options",
    [
        {"compressors": [BloscCodec()]},
        {"compressors": None},
        {"chunks": (2, 3)},
        {"serializer": BytesCodec(endian="big")},
    ],
    ids=["compressed", "no checksum", "several chunks", "another byte order"],
)
def test_arrays_that_are_stored_otherwise_are_left_to_zarr(tmp_path, options):
    assert read_raw(write(tmp_path / "a", ARRAYS["vectors"], **options)) is None


def test_what_is_not_there_is_left_to_zarr(tmp_path):
    assert read_raw(tmp_path / "nowhere") is None
    folder = write(tmp_path / "a", ARRAYS["times"])
    (folder / "c" / "0" / "0").unlink()
    assert read_raw(folder) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"shape": 3, "data_type": "float32"}'])
def test_metadata_that_cannot_be_read_are_left_to_zarr(tmp_path, text):
    folder = write(tmp_path / "a", ARRAYS["times"])
    (folder / "zarr.json").write_text(text)
    assert read_raw(folder) is None


def test_each_flipped_bit_and_each_cut_is_told(tmp_path):
    folder = write(tmp_path / "a", ARRAYS["times"])
    chunk = folder / "c" / "0" / "0"
    whole = chunk.read_bytes()
    for at in range(len(whole)):
        chunk.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(ValueError, match="checksum"):
            read_raw(folder)
    for content in (b"", whole[:-1], whole + b"\0"):
        chunk.write_bytes(content)
        with pytest.raises(ValueError, match="in place of"):
            read_raw(folder)


def test_another_length_in_the_metadata_is_told(tmp_path):
    folder = write(tmp_path / "a", ARRAYS["offsets"])
    told = json.loads((folder / "zarr.json").read_text())
    told["shape"] = told["chunk_grid"]["configuration"]["chunk_shape"] = [6]
    (folder / "zarr.json").write_text(json.dumps(told))
    with pytest.raises(ValueError, match="in place of"):
        read_raw(folder)


WRITTEN = ARRAYS | {
    "nothing": np.zeros((0, 128), np.float32),
    "no columns": np.zeros((3, 0), np.int32),
    "transposed": ARRAYS["vectors"].T,
    "another byte order": ARRAYS["times"].astype(">f8"),
    "not a number": np.array([np.nan, np.inf, -0.0], np.float32),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_are_the_files_that_zarr_writes(tmp_path, name):
    array = WRITTEN[name]
    assert write_raw(tmp_path / "ours", array)
    write(tmp_path / "zarr", array.astype(array.dtype.newbyteorder("=")), chunks=tuple(max(1, n) for n in array.shape))
    assert files(tmp_path / "ours") == files(tmp_path / "zarr")
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "ours", mode="r")[:], array)


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([True]), np.array(1.0), np.array([1 + 2j])], ids=str)
def test_other_types_are_left_to_zarr(tmp_path, array):
    assert not write_raw(tmp_path / "a", array)
    assert not (tmp_path / "a").exists()


def test_a_group_is_the_file_that_zarr_writes(tmp_path):
    attributes = {"rows": [{"key": 'caf\u00e9 \u263a "\\\n', "count": 1, "failed": False}], "arrays": [], "empty": {}}
    write_group(tmp_path / "ours", attributes)
    zarr.create_group(tmp_path / "zarr", attributes=attributes)
    assert files(tmp_path / "ours") == files(tmp_path / "zarr")


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
