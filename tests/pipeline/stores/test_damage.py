import pickle

import pytest

from pipeline.errors import DamagedError, StoreError
from pipeline.stores import damage


def test_a_damaged_result_is_moved_aside_and_the_line_says_from_where_to_where_and_why(tmp_path):
    part = tmp_path / "features" / "rgb" / "0123" / "part-1.zarr"
    part.mkdir(parents=True)
    (part / "zarr.json").write_text("{")
    line = damage.set_aside(DamagedError(part, "its index is cut"), tmp_path)
    (aside,) = (tmp_path / damage.FOLDER).iterdir()
    assert (aside / "zarr.json").read_text() == "{"
    assert aside.name.startswith("features-rgb-0123-part-1.zarr-")
    assert all(word in line for word in (str(part), "its index is cut", str(aside), "made anew"))
    assert not part.exists()


def test_what_another_process_moved_is_no_error(tmp_path):
    assert "gone by now" in damage.set_aside(DamagedError(tmp_path / "x", "cut"), tmp_path)


def test_a_database_goes_with_its_journal(tmp_path):
    for name in ("files.sqlite", "files.sqlite-journal"):
        (tmp_path / name).write_bytes(b"x")
    damage.set_aside(DamagedError(tmp_path / "files.sqlite", "cut"), tmp_path / "store")
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_what_cannot_be_moved_is_told_in_one_line(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / damage.FOLDER).write_text("no folder")
    with pytest.raises(StoreError, match=r"damaged: cut; it cannot be moved to .*exists"):
        damage.set_aside(DamagedError(tmp_path / "x", "cut"), tmp_path)


def test_what_may_not_be_read_is_not_taken_for_damaged(tmp_path):
    assert not isinstance(damage.unreadable(tmp_path, "it", PermissionError(13, "no")), DamagedError)
    assert isinstance(damage.unreadable(tmp_path, "it", ValueError("cut")), DamagedError)


def test_the_result_of_a_file_is_the_nearest_folder_with_a_recipe(tmp_path):
    (tmp_path / "index" / "model").mkdir(parents=True)
    path = tmp_path / "index" / "model" / "model.safetensors"
    assert damage.result_of(path) == path
    (tmp_path / "index" / "recipe.json").write_text("{}")
    assert damage.result_of(path) == tmp_path / "index"


def test_the_error_comes_whole_from_another_process(tmp_path):
    error = pickle.loads(pickle.dumps(DamagedError(tmp_path, "cut")))
    assert (error.path, error.why, str(error)) == (tmp_path, "cut", f"{tmp_path}: damaged: cut")
