import numpy as np
import pytest

from pipeline.stores import recipes
from search.index import made_of
from search.index.earlier_rows import OfStore, find

KEYS = [f"{number:032x}" for number in range(6)]
VERSION = 7


def index(folder, keys, present, store="abc", version=VERSION):
    """A finished index of videos with these keys."""
    folder.mkdir()
    made_of.write(folder, version, {"rgb": folder / store}, {"rgb": keys}, {"rgb": np.array(present)})
    (folder / "vectors").write_bytes(b"as they were")
    recipes.write_recipe(folder, {"stage": "index"}, files=[folder / made_of.FILE, folder / "vectors"])


def wanted(tmp_path, keys, present=None):
    return OfStore("rgb", tmp_path / "store" / "abc", keys, np.array(present or [True] * len(keys)))


def test_a_video_has_the_row_of_the_same_key_if_there_were_vectors_then_and_are_now(tmp_path):
    index(tmp_path / "one", KEYS[:4], [True, True, False, True])
    now = wanted(tmp_path, [KEYS[5], KEYS[3], KEYS[2], KEYS[1], KEYS[3]], [True, True, True, False, True])
    found = find(tmp_path / "two", VERSION, now, "vectors")
    assert found.index == tmp_path / "one"
    assert found.rows.tolist() == [-1, 3, -1, -1, 3]


@pytest.mark.parametrize("what", ["version", "store", "expert", "damaged", "unfinished"])
def test_of_another_index_nothing_is_taken(tmp_path, what):
    index(tmp_path / "one", KEYS, [True] * 6, "other" if what == "store" else "abc", VERSION - (what == "version"))
    now = wanted(tmp_path, KEYS)
    if what == "expert":
        now = OfStore("flow", now.store, now.keys, now.present)
    if what == "damaged":
        (tmp_path / "one" / "vectors").write_bytes(b"as they Were")
    if what == "unfinished":
        (tmp_path / "one" / recipes.NAME).unlink()
    assert find(tmp_path / "two", VERSION, now, "vectors") is None
