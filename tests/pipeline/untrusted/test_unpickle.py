"""Pickles as released are read; anything that could do harm is refused by name, without running it."""

import collections
import os
import pickle
import struct
import sys
import types

import numpy as np
import pytest

from pipeline.errors import ArchiveError
from pipeline.untrusted.unpickle import ExpertStore, load_pickle


def load(tmp_path, data):
    path = tmp_path / "some.pickle"
    path.write_bytes(data)
    return load_pickle(path)


def refusal(tmp_path, data):
    with pytest.raises(ArchiveError) as caught:
        load(tmp_path, data)
    assert "some.pickle: " in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


FEATURES = {
    "video0": np.arange(6, dtype=np.float16),
    "video1": np.arange(6, dtype=np.float64).reshape(1, 6),
    "video2": np.arange(12, dtype=np.float32).reshape(2, 6).T,
    "video3": float("nan"),
    "video4": [np.zeros((0, 3), ">f4"), np.ones((2, 3), np.int64)],
}


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_of_every_kind_come_back_as_they_were(tmp_path, protocol):
    found = load(tmp_path, pickle.dumps(FEATURES, protocol=protocol))
    assert found.keys() == FEATURES.keys()
    for name in ("video0", "video1", "video2"):
        assert found[name].dtype == FEATURES[name].dtype
        assert np.array_equal(found[name], FEATURES[name])
    assert np.isnan(found["video3"])
    assert [one.shape for one in found["video4"]] == [(0, 3), (2, 3)]


def test_the_names_of_older_numpy_are_known(tmp_path):
    data = pickle.dumps({"a": np.ones(3)}, protocol=2).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert np.array_equal(load(tmp_path, data)["a"], np.ones(3))


def test_scalars_object_arrays_and_ordered_dicts_become_plain(tmp_path):
    ragged = np.empty(2, object)
    ragged[:] = [np.ones((1, 2)), np.ones((3, 2))]
    written = collections.OrderedDict([("a", np.float32(0.5)), ("b", ragged), ("c", {"x"})])
    found = load(tmp_path, pickle.dumps(written, protocol=2))
    assert (found["a"], found["c"]) == (0.5, {"x"})
    assert [one.shape for one in found["b"]] == [(1, 2), (3, 2)]


def test_a_pickle_of_python_2_is_read(tmp_path):
    # What Python 2 wrote of {"caf\xe9": array([1., 2.])}: names and bytes are its old strings.
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(I2\ntcnumpy\ndtype\n"
        b"(S'f8'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\nS'" + _escaped(struct.pack("<2d", 1, 2)) + b"'\ntb"
    )
    found = load(tmp_path, b"(dS'caf\\xe9'\n" + array + b"s.")
    assert np.array_equal(found["caf\xe9"], [1.0, 2.0])


def _escaped(data):
    return "".join(f"\\x{byte:02x}" for byte in data).encode()


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_an_expert_store_is_read_without_its_module(tmp_path, protocol, monkeypatch):
    module = types.ModuleType("datastructures")
    module.ExpertStore = type("ExpertStore", (), {"__module__": "datastructures"})
    monkeypatch.setitem(sys.modules, "datastructures", module)
    kept = module.ExpertStore()
    kept.__dict__ |= {
        "keys": ["a", "b"], "dim": 2, "store_dtype": np.float16, "store": np.array([[1, 2], [3, 4]], np.float16),
        "keymap": {"a": 1, "b": 0}, "missing": {"b"},
    }  # fmt: skip
    data = pickle.dumps(kept, protocol=protocol)
    monkeypatch.delitem(sys.modules, "datastructures")
    found = load(tmp_path, data)
    assert isinstance(found, ExpertStore)
    vectors = found.vectors()
    assert vectors["a"].tolist() == [3, 4]
    assert np.isnan(vectors["b"]).all()


class Evil:
    """Pickles to a call of anything."""

    def __init__(self, function, *args):
        self.call = (function, args)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    ("function", "args", "name"),
    [
        (__import__("os").system, ("touch hacked",), "system"),
        (eval, ("1 + 1",), "builtins.eval"),
        (__import__, ("os",), "builtins.__import__"),
        (getattr, ("x", "upper"), "builtins.getattr"),
        (bytearray, (10,), "builtins.bytearray"),
        (open, ("hacked", "w"), "open"),
        (np.load, ("hacked",), "load"),
        (np.fromfile, ("/etc/passwd",), "fromfile"),
        (types.FunctionType, (None, {}), "FunctionType"),
        (collections.deque, ([1],), "collections.deque"),
    ],
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_whatever_it_asks_for_is_refused_by_name_and_not_run(tmp_path, monkeypatch, function, args, name, protocol):
    monkeypatch.chdir(tmp_path)
    try:
        data = pickle.dumps({"video0": Evil(function, *args)}, protocol=protocol)
    except pickle.PicklingError:
        pytest.skip("not even this Python writes it")
    message = refusal(tmp_path, data)
    assert "refused, it asks for" in message
    assert name.rpartition(".")[2] in message
    assert not (tmp_path / "hacked").exists()


def glob(module, name):
    return f"c{module}\n{name}\n".encode()


RECONSTRUCT = glob("numpy.core.multiarray", "_reconstruct")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"cos\nsystem\n(S'x'\ntR.", "it asks for os.system"),
        (b"(S'x'\nios\nsystem\n.", "it asks for os.system"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "it asks for os.system"),
        (b"\x80\x04\x8c\x05numpy\x8c\x0c__loader__.x\x93.", "it asks for numpy.__loader__.x"),
        (b"Psome\n.", "it uses PERSID"),
        (b"\x80\x02\x82\x01.", "it uses EXT1"),
        (b"\x80\x02Nr\xff\xff\xff\x7f.", "it numbers an object 2147483647"),
        (b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7fN.", "a frame in it is longer than the file"),
        (glob("numpy", "ndarray") + b"(I1000000000000\ntR.", "not callable"),
        (glob("numpy", "dtype") + b"(S'V99999999999'\ntR.", "it holds arrays of 'V99999999999'"),
        (glob("numpy", "dtype") + b"(S'f8,f8'\ntR.", "it holds arrays of 'f8,f8'"),
        (glob("_codecs", "encode") + b"(S'x'\nS'zip'\ntR.", "it encodes text as 'zip'"),
        (glob("_codecs", "encode") + b"}S'__code__'\nNsb.", "it changes a function"),
        (glob("copy_reg", "_reconstructor") + glob("builtins", "object") + b"0(" + glob("builtins", "object")
         + b"NNtR.", "it rebuilds an object that is no ExpertStore"),
        (b"", "cannot mmap an empty file"),
        (b"\x80\x02}q", "not a pickle that can be read"),
        (b"not a pickle at all", "not a pickle that can be read"),
        (b"<html>404</html>", "not a pickle that can be read"),
    ],
)  # fmt: skip
def test_what_could_make_the_reader_misbehave_is_refused(tmp_path, data, message):
    assert message in refusal(tmp_path, data)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.pkl")
    with pytest.raises(ArchiveError, match=r"pipe\.pkl: refused, it is a named pipe"):
        load_pickle(tmp_path / "pipe.pkl")


def test_an_array_that_is_shorter_than_it_says_is_refused(tmp_path):
    whole = pickle.dumps({"a": np.arange(1000.0)}, protocol=4)
    assert "a frame in it is longer than the file, which may be cut" in refusal(tmp_path, whole[: len(whole) // 2])
    lying = pickle.dumps({"a": np.arange(200, dtype=np.int8)}, protocol=4).replace(b"K\xc8\x85", b"K\xc9\x85")
    assert "reshape" in refusal(tmp_path, lying)


def test_data_that_are_nested_for_ever_or_many_times_are_refused_quickly(tmp_path):
    endless = []
    endless.append(endless)
    assert "nested more than" in refusal(tmp_path, pickle.dumps(endless))
    laughs = "ha"
    for _ in range(40):
        laughs = [laughs] * 30
    assert "nested more than" in refusal(tmp_path, pickle.dumps(laughs))
    wide = [0] * 10
    for _ in range(6):
        wide = [wide] * 100  # a million million entries if each were walked
    assert len(load(tmp_path, pickle.dumps(wide))) == 100


def test_one_file_cannot_change_how_the_next_one_is_read(tmp_path):
    store = glob("datastructures", "ExpertStore")
    message = refusal(tmp_path, store + b"(N}S'vectors'\nI1\nstb.")
    assert message
    fine = store + b")\x81}(S'store'\nNS'keymap'\n}S'missing'\n(lub."
    assert load(tmp_path, b"\x80\x02" + fine).vectors.__func__ is ExpertStore.vectors
