import shutil
from pathlib import Path

import numpy as np

from pipeline.stores import recipes
from search.index import made_of

KEYS = {"rgb": ["a" * 32, "b" * 32, "imported/v1.mp4"], "speech": ["0" * 32, "c" * 32, "c" * 32]}
PRESENT = {"rgb": np.array([True, False, True]), "speech": np.array([False, True, True])}
STORES = {"rgb": Path("features/rgb/0123"), "speech": Path("features/speech/4567")}


def index(folder: Path, version: int = 3) -> Path:
    folder.mkdir(parents=True)
    (folder / "words.sqlite").write_text(folder.name)
    made_of.write(folder, version, STORES, KEYS, PRESENT)
    recipes.write_recipe(folder, {"of": folder.name}, files=["words.sqlite", made_of.FILE])
    return folder


def test_what_an_index_was_made_of_is_read_from_the_newest_one_beside(tmp_path):
    index(tmp_path / "old")
    newer = index(tmp_path / "newer")
    path, found = made_of.newest(tmp_path / "next", 3, "words.sqlite")
    assert path == newer
    assert found.stores == {"rgb": "0123", "speech": "4567"}
    assert found.keys == {name: made_of.packed(keys) for name, keys in KEYS.items()}
    assert found.keys["rgb"][0] == bytes.fromhex("a" * 32)
    assert {name: there.tolist() for name, there in found.present.items()} == {
        name: there.tolist() for name, there in PRESENT.items()
    }


def test_keys_that_end_in_zeros_and_keys_of_any_text_are_told_apart():
    keys = ["0" * 32, "1" + "0" * 31, "imported/v1.mp4", "imported/v2.mp4", ""]
    assert len(set(made_of.packed(keys))) == len(keys)
    assert made_of.packed([]) == []


def test_an_index_that_is_not_finished_older_damaged_or_of_another_version_is_passed_over(tmp_path):
    oldest = index(tmp_path / "a")
    (index(tmp_path / "b") / "recipe.json").unlink()
    (index(tmp_path / "c") / "words.sqlite").write_text("x")
    index(tmp_path / "d", version=4)
    older = tmp_path / "e"
    older.mkdir()
    recipes.write_recipe(older, {"of": "before there was such a file"})
    assert made_of.newest(tmp_path / "next", 3, "words.sqlite")[0] == oldest
    assert made_of.newest(tmp_path / "next", 5, "words.sqlite") is None
    assert made_of.newest(tmp_path / "elsewhere" / "next", 3) is None


def test_an_index_that_is_deleted_while_it_is_looked_for_is_passed_over(tmp_path, monkeypatch):
    kept, gone = index(tmp_path / "kept"), index(tmp_path / "gone")
    listed = Path.glob

    def before_a_removal(path, pattern):
        found = list(listed(path, pattern))
        shutil.rmtree(gone)
        return found

    monkeypatch.setattr(Path, "glob", before_a_removal)
    assert made_of.newest(tmp_path / "next", 3, "words.sqlite")[0] == kept


def test_of_an_index_in_object_storage_only_what_is_needed_is_fetched(hosts, tmp_path):
    made = index(tmp_path / "made")
    (made / "vectors.npy").write_bytes(bytes(100))
    (made / recipes.NAME).unlink()
    recipes.write_recipe(made, {"of": "made"}, files=["words.sqlite", made_of.FILE, "vectors.npy"])
    for path in made.iterdir():
        hosts.objects.put(f"index/d/1/{path.name}", path.read_bytes())
    root = hosts.store("a")
    found, _ = made_of.newest(root / "index" / "d" / "next", 3, "words.sqlite")
    assert sorted(path.name for path in found.iterdir()) == ["recipe.json", "rows.npz", "words.sqlite"]
