import json
from pathlib import Path

import pytest

from pipeline.errors import DamagedError, NewerVersionError, StoreError
from pipeline.stores import recipes

RECIPE = {"extractor": "gist", "version": 1, "params": {"fps": 1.0}}


def test_a_recipe_is_read_back_as_it_was_written(tmp_path):
    recipes.write_recipe(tmp_path / "new" / "folder", RECIPE, {"python": "3.11"})
    assert recipes.read_recipe(tmp_path / "new" / "folder") == RECIPE
    assert json.loads((tmp_path / "new" / "folder" / "recipe.json").read_text())["provenance"] == {"python": "3.11"}


def test_a_recipe_is_written_once(tmp_path):
    recipes.write_recipe(tmp_path, RECIPE)
    before = (tmp_path / "recipe.json").stat().st_mtime_ns
    recipes.write_recipe(tmp_path, RECIPE, {"python": "another"})
    assert (tmp_path / "recipe.json").stat().st_mtime_ns == before


def test_a_damaged_recipe_is_written_anew(tmp_path):
    recipes.write_recipe(tmp_path, RECIPE)
    whole = (tmp_path / "recipe.json").read_bytes()
    (tmp_path / "recipe.json").write_bytes(whole[:-20])
    recipes.write_recipe(tmp_path, RECIPE)
    assert (tmp_path / "recipe.json").read_bytes() == whole


def test_a_recipe_that_cannot_name_a_result_is_not_written(tmp_path):
    with pytest.raises(TypeError, match="not a finite number"):
        recipes.write_recipe(tmp_path, {"fps": float("nan")})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("length", [0, 1, 20, 60])
def test_a_recipe_that_was_cut_is_told_and_what_to_do(tmp_path, length):
    recipes.write_recipe(tmp_path, RECIPE)
    path = tmp_path / "recipe.json"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(StoreError, match=r"damaged: recipe\.json is not a recipe"):
        recipes.read_recipe(tmp_path)


@pytest.mark.parametrize("text", ["[]", "3", "null", '"recipe"', "{}", b"\xff\xfe"])
def test_a_recipe_that_is_something_else_is_told(tmp_path, text):
    (tmp_path / "recipe.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(StoreError, match="is not a recipe"):
        recipes.read_recipe(tmp_path)


def test_a_folder_without_a_recipe_has_none(tmp_path):
    assert recipes.read_recipe(tmp_path) is None
    assert recipes.read_recipe(tmp_path / "nowhere") is None


@pytest.mark.parametrize("is_absolute", [True, False])
@pytest.mark.parametrize("is_below", [True, False])
def test_files_are_listed_by_their_path_below_the_folder_or_relative_to_it(
    tmp_path, monkeypatch, is_absolute, is_below
):
    """Also where the folder itself is given relative to the current one, as data/ is in a project."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data" / "run" if is_absolute else Path("data", "run")
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.json").write_bytes(b"abc")
    recipes.write_recipe(folder, RECIPE, files=[folder / "deep" / "a.json" if is_below else "deep/a.json"])
    assert json.loads((folder / "recipe.json").read_text())["files"].keys() == {"deep/a.json"}


def test_a_listed_file_that_changed_is_told(tmp_path):
    (tmp_path / "a.json").write_bytes(b"abc")
    recipes.write_recipe(tmp_path, RECIPE, files=["a.json"])
    assert recipes.check(tmp_path) == RECIPE
    (tmp_path / "a.json").write_bytes(b"abd")
    assert recipes.read_recipe(tmp_path) == RECIPE, "which looks at sizes alone"
    with pytest.raises(DamagedError, match=r"the bytes of a\.json have changed"):
        recipes.check(tmp_path)
    assert recipes.check(tmp_path, up_to_bytes=2) == RECIPE
    (tmp_path / "a.json").write_bytes(b"ab")
    with pytest.raises(DamagedError, match=r"a\.json has 2 bytes in place of 3"):
        recipes.read_recipe(tmp_path)
    (tmp_path / "a.json").unlink()
    with pytest.raises(DamagedError, match=r"a\.json is gone"):
        recipes.read_recipe(tmp_path)


def test_a_recipe_without_checksums_is_valid(tmp_path):
    (tmp_path / "recipe.json").write_text(json.dumps({"recipe": RECIPE, "provenance": {}}))
    assert recipes.check(tmp_path) == RECIPE


def test_a_newer_format_is_not_taken_for_damaged(tmp_path):
    recipes.write_recipe(tmp_path, RECIPE)
    body = json.loads((tmp_path / "recipe.json").read_text())
    (tmp_path / "recipe.json").write_text(json.dumps(body | {"format": 9}))
    with pytest.raises(NewerVersionError, match=r"written by a newer version of this program \(format 9\)"):
        recipes.read_recipe(tmp_path)


def test_of_a_store_only_the_damaged_recipe_is_to_be_made_anew(tmp_path):
    (tmp_path / "part-1.zarr").mkdir()
    (tmp_path / "recipe.json").write_text("")
    with pytest.raises(DamagedError) as caught:
        recipes.read_recipe(tmp_path)
    assert caught.value.path == tmp_path / "recipe.json"


def test_what_was_noted_beside_a_recipe_is_read_again(tmp_path):
    assert recipes.provenance(tmp_path) == {}
    recipes.write_recipe(tmp_path, {"a": 1}, {"made": "2026-11-01T00:00:00+0000"})
    assert recipes.provenance(tmp_path) == {"made": "2026-11-01T00:00:00+0000"}


def test_some_files_are_checked_alone_and_one_that_is_not_listed_says_no(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text(name * 10)
    recipes.write_recipe(tmp_path, {"stage": "made"}, files=["a", "b"])
    (tmp_path / "b").write_text("c" * 10)
    assert recipes.check_files(tmp_path, ["a"]) == {"stage": "made"}
    assert recipes.check_files(tmp_path, ["a", "c"]) is None
    assert recipes.check_files(tmp_path / "nowhere", ["a"]) is None
    with pytest.raises(DamagedError, match="the bytes of b have changed"):
        recipes.check_files(tmp_path, ["b"])
