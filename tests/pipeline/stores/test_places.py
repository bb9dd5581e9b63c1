import json
import shutil

import numpy as np
import pytest

from pipeline.errors import ConfigError, DamagedError
from pipeline.remote import mirror
from pipeline.stores import damage, parts, places, recipes, store
from pipeline.stores.local_place import LocalPlace
from pipeline.stores.object_place import ObjectPlace
from pipeline.stores.parts import Features
from pipeline.stores.store import Row

RECIPE = {"stage": "some", "seed": 1}


def one_row(key, value, n=3):
    return [Row(key, n)], [Features(np.full((n, 2), value, np.float32), np.zeros((n, 2)))]


def test_a_store_is_a_folder_of_the_data_or_another_one_or_a_mirror(tmp_path, monkeypatch):
    assert places.store_folder("", tmp_path) == tmp_path / "store"
    assert places.store_folder("/other/place", tmp_path).as_posix() == "/other/place"
    folder = places.store_folder("s3://bucket/x", tmp_path)
    assert folder == tmp_path / "mirror" / mirror.name_of("s3://bucket/x")
    assert json.loads((folder / "mirror.json").read_text()) == {"address": "s3://bucket/x"}


@pytest.mark.parametrize("address", ["s4://bucket/x", "https://host/x", "s3:///x"])
def test_an_address_where_nothing_can_be_kept_is_refused(tmp_path, address):
    with pytest.raises(ConfigError):
        places.store_folder(address, tmp_path)


def test_a_file_of_a_result_that_is_not_finished_yet_is_left_where_it_is(hosts):
    report = hosts.store("a") / "reports" / "d" / "m" / "0123"
    report.mkdir(parents=True)
    (report / "report.json").write_text("{}")
    places.place_of(report).refresh()
    recipes.write_recipe(report, RECIPE, files=["report.json"])
    assert recipes.check(hosts.store("b") / "reports" / "d" / "m" / "0123") == RECIPE


def test_what_another_process_of_the_host_copies_before_it_is_renamed_is_no_error(hosts, monkeypatch):
    folder = hosts.store("a") / "features" / "rgb" / "0123"
    put = type(hosts.objects).put

    def put_and_list(self, key, source):
        etag = put(self, key, source)
        if key.endswith(".zarr/zarr.json"):
            places.place_of(folder).refresh()
        return etag

    monkeypatch.setattr(type(hosts.objects), "put", put_and_list)
    parts.publish(folder, *one_row("one", 1), 2)
    assert parts.read(folder, ["one"], 2).values.tolist() == [[1.0, 1.0]] * 3
    assert [path.name for path in folder.iterdir() if path.name.startswith(".tmp-")] == []


@pytest.mark.parametrize("kind", ["part", "result", "pointer"])
def test_what_another_process_of_the_host_publishes_during_a_listing_is_kept(hosts, monkeypatch, kind):
    root = hosts.store("a")
    paths = {
        "part": root / "features" / "rgb" / "0123" / "part-1.zarr" / "zarr.json",
        "result": root / "runs" / "d" / "m" / "0123" / "recipe.json",
        "pointer": root / "index" / "d" / "current.json",
    }
    hosts.objects.put("index/other/current.json", b"{}")
    path, level, found = paths[kind], type(hosts.objects).level, type(hosts.objects).found

    def publish_after(listed):
        if not path.exists():
            hosts.objects.put(path.relative_to(root).as_posix(), b"{}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("{}")
        return listed

    monkeypatch.setattr(type(hosts.objects), "level", lambda self, *a: publish_after(level(self, *a)))
    monkeypatch.setattr(type(hosts.objects), "found", lambda self, *a: publish_after(list(found(self, *a))))
    places.place_of(root / "features" / "rgb" / "0123" if kind == "part" else root / "runs").refresh()
    assert path.exists()


def test_what_is_temporary_or_set_aside_is_of_the_disk_alone(hosts, tmp_path):
    folder = hosts.store("a")
    assert isinstance(places.place_of(folder / "runs" / "x"), ObjectPlace)
    for path in (tmp_path / "x", folder / "damaged" / "x", folder / "runs" / ".tmp-x" / "y"):
        assert type(places.place_of(path)) is LocalPlace


def test_features_of_one_host_are_read_by_another_and_only_what_is_read_is_fetched(hosts):
    folder = hosts.store("a") / "features" / "rgb" / "0123"
    for key, value in (("one", 1), ("two", 2)):
        parts.publish(folder, *one_row(key, value), 2)
    other = hosts.store("b") / "features" / "rgb" / "0123"
    assert store.rows(other).keys() == {"one", "two"}
    assert {path.name for path in other.rglob("*") if path.is_file()} == {"zarr.json"}
    assert parts.read(other, ["two"], 2).values.tolist() == [[2.0, 2.0]] * 3
    read = {path.relative_to(other).parts[0] for path in other.glob("*/values/c/0/0")}
    assert len(read) == 1


def test_the_bytes_of_a_part_are_those_of_a_part_on_a_disk(hosts, tmp_path):
    rows, features = one_row("one", 1)
    (part,) = parts.publish(hosts.store("a") / "features" / "rgb" / "0123", rows, features, 2)
    (local,) = parts.publish(tmp_path / "local", rows, features, 2)
    prefix = f"features/rgb/0123/{part.name}/"
    stored = {key.removeprefix(prefix): hosts.objects.read(key) for key in hosts.keys}
    assert stored == {
        path.relative_to(local).as_posix(): path.read_bytes() for path in local.rglob("*") if path.is_file()
    }


def test_a_part_without_its_index_is_not_there(hosts):
    folder = hosts.store("a") / "features" / "rgb" / "0123"
    (part,) = parts.publish(folder, *one_row("one", 1), 2)
    hosts.objects.delete([f"features/rgb/0123/{part.name}/zarr.json"])
    other = hosts.store("b") / "features" / "rgb" / "0123"
    assert store.parts(other) == []
    assert [path for path in other.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("fails_at", ["zarr.json", "values/c/0/0"])
def test_a_crash_while_a_part_is_published_leaves_nothing_that_can_be_seen(hosts, monkeypatch, fails_at):
    folder = hosts.store("a") / "features" / "rgb" / "0123"
    put = type(hosts.objects).put

    def failing(self, key, source):
        if key.endswith(fails_at) and (fails_at != "zarr.json" or key.endswith(".zarr/zarr.json")):
            raise KeyboardInterrupt
        return put(self, key, source)

    monkeypatch.setattr(type(hosts.objects), "put", failing)
    with pytest.raises(KeyboardInterrupt):
        parts.publish(folder, *one_row("one", 1), 2)
    monkeypatch.setattr(type(hosts.objects), "put", put)
    for host in ("a", "b"):
        assert store.parts(hosts.store(host) / "features" / "rgb" / "0123") == []
    parts.publish(folder, *one_row("one", 1), 2)
    assert store.rows(hosts.store("b") / "features" / "rgb" / "0123").keys() == {"one"}


def test_the_index_of_a_part_and_the_recipe_of_a_result_are_written_last_and_removed_first(hosts, monkeypatch):
    log = []
    put, delete = type(hosts.objects).put, type(hosts.objects).delete
    monkeypatch.setattr(type(hosts.objects), "put", lambda self, *a: (log.append(("put", a[0])), put(self, *a))[1])
    monkeypatch.setattr(
        type(hosts.objects),
        "delete",
        lambda self, keys: delete(self, [log.append(("delete", key)) or key for key in keys]),
    )
    root = hosts.store("a")
    (part,) = parts.publish(root / "features" / "rgb" / "0123", *one_row("one", 1), 2)
    assert log[-1] == ("put", f"features/rgb/0123/{part.name}/zarr.json")
    log.clear()
    places.remove(part)
    touched = [key for _, key in log]
    assert touched.index(f"features/rgb/0123/{part.name}/zarr.json") < touched.index(
        f"features/rgb/0123/{part.name}/values/c/0/0"
    )
    log.clear()
    run = root / "runs" / "d" / "m" / "0123"
    run.mkdir(parents=True)
    for name in ("a.bin", "z.bin"):
        (run / name).write_text(name)
    recipes.write_recipe(run, RECIPE, files=["a.bin", "z.bin"])
    assert sorted(key for _, key in log[:2]) == ["runs/d/m/0123/a.bin", "runs/d/m/0123/z.bin"]
    assert log[2:] == [("put", "runs/d/m/0123/recipe.json")]


def a_run(root, text="weights"):
    run = root / "runs" / "d" / "m" / "0123"
    run.mkdir(parents=True, exist_ok=True)
    (run / "model.bin").write_text(text)
    (run / "state.bin").write_text("of an unfinished training")
    recipes.write_recipe(run, RECIPE, files=["model.bin"])
    return run


def test_a_result_is_whole_for_another_host_before_its_files_are_fetched(hosts):
    a_run(hosts.store("a"))
    run = hosts.store("b") / "runs" / "d" / "m" / "0123"
    assert recipes.check(run) == RECIPE
    assert not (run / "model.bin").exists()
    assert places.fetched(run / "model.bin").read_text() == "weights"
    assert "runs/d/m/0123/state.bin" not in hosts.keys, "what no recipe lists stays on the host that made it"


def test_what_one_host_removes_is_gone_for_the_others_and_their_copies_are_kept_aside(hosts):
    run = a_run(hosts.store("a"))
    copy = hosts.store("b") / "runs" / "d" / "m" / "0123"
    assert recipes.check(copy) == RECIPE
    hosts.store("a")
    places.remove(run)
    copy = hosts.store("b") / "runs" / "d" / "m" / "0123"
    assert recipes.check(copy) is None
    assert not copy.exists()
    assert [path.name.startswith(".tmp-") for path in copy.parent.iterdir()] == [True]


def test_a_result_that_another_host_made_anew_is_read_as_it_is_now(hosts):
    a_run(hosts.store("a"))
    copy = hosts.store("b") / "runs" / "d" / "m" / "0123"
    recipes.check(copy)
    assert places.fetched(copy / "model.bin").read_text() == "weights"
    run = hosts.store("a") / "runs" / "d" / "m" / "0123"
    places.remove(run)
    a_run(hosts.store("a"), "other weights")
    hosts.store("b")
    assert recipes.check(copy) == RECIPE
    assert places.fetched(copy / "model.bin").read_text() == "other weights"


def test_a_pointer_is_replaced_for_all_hosts(hosts):
    for text in ("one", "two"):
        places.write_text(hosts.store("a") / "index" / "d" / "current.json", text)
        pointer = hosts.store("b") / "index" / "d" / "current.json"
        assert places.listed(pointer.parent).joinpath("current.json").read_text() == text
    places.remove(hosts.store("a") / "index" / "d" / "current.json")
    assert not (places.listed(hosts.store("b") / "index" / "d") / "current.json").exists()


def test_a_folder_that_is_replaced_leaves_none_of_its_old_files(hosts):
    for files in (("a", "recipe.json"), ("b", "recipe.json")):
        folder = hosts.store("a") / "index" / "d" / "0123"
        written = folder.with_name(".tmp-new")
        written.mkdir(parents=True)
        for name in files:
            (written / name).write_text(name)
        places.publish(written, folder, replace=True)
    assert hosts.keys == ["index/d/0123/b", "index/d/0123/recipe.json"]
    assert sorted(path.name for path in folder.iterdir()) == ["b", "recipe.json"]


def test_a_mirror_may_be_deleted_at_any_time(hosts):
    run = a_run(hosts.store("a"))
    shutil.rmtree(hosts.store("a"))
    places._mirror.cache_clear()
    mirror._nearest.cache_clear()
    hosts.store("a")
    assert recipes.check(run) == RECIPE
    assert places.fetched(run / "model.bin").read_text() == "weights"


def test_a_damaged_copy_is_fetched_anew_and_the_object_stays(hosts):
    run = a_run(hosts.store("a"))
    (run / "model.bin").write_text("WEIGHTS")
    with pytest.raises(DamagedError) as raised:
        recipes.check(run)
    line = damage.set_aside(raised.value, hosts.store("a"))
    assert "fetched anew" in line
    hosts.store("a")
    assert recipes.check(run) == RECIPE
    assert places.fetched(run / "model.bin").read_text() == "weights"


def test_a_damaged_object_is_told_by_its_checksum_and_removed_so_that_it_is_made_anew(hosts):
    a_run(hosts.store("a"))
    hosts.objects.put("runs/d/m/0123/model.bin", b"WEIGHTS")
    root = hosts.store("b")
    run = root / "runs" / "d" / "m" / "0123"
    recipes.check(run)
    with pytest.raises(DamagedError, match=r"the bytes of model.bin in s3://bucket/results have changed") as raised:
        places.fetched(run / "model.bin")
    assert "made anew" in damage.set_aside(raised.value, root)
    assert hosts.keys == []
    hosts.store("b")
    assert recipes.check(run) is None
    a_run(hosts.store("b"))
    assert recipes.check(hosts.store("c") / "runs" / "d" / "m" / "0123") == RECIPE


def test_a_damaged_array_in_the_storage_is_removed_with_its_part(hosts):
    (part,) = parts.publish(hosts.store("a") / "features" / "rgb" / "0123", *one_row("one", 1), 2)
    key = f"features/rgb/0123/{part.name}/values/c/0/0"
    content = bytearray(hosts.objects.read(key))
    content[0] ^= 1
    hosts.objects.put(key, bytes(content))
    root = hosts.store("b")
    folder = root / "features" / "rgb" / "0123"
    with pytest.raises(DamagedError) as raised:
        parts.read(folder, ["one"], 2)
    damage.set_aside(raised.value, root)
    assert hosts.keys == []
    assert store.parts(hosts.store("b") / "features" / "rgb" / "0123") == []


def test_a_lost_object_is_damage_of_its_result(hosts):
    a_run(hosts.store("a"))
    hosts.objects.delete(["runs/d/m/0123/model.bin"])
    with pytest.raises(DamagedError, match=r"model.bin is gone"):
        recipes.check(hosts.store("b") / "runs" / "d" / "m" / "0123")


def test_failed_rows_are_forgotten_for_all_hosts(hosts):
    folder = hosts.store("a") / "features" / "rgb" / "0123"
    parts.publish(folder, *one_row("one", 1), 2)
    failed = [Row("two", 0, failed=True, reason="cut off")]
    parts.publish(folder, failed, [Features(np.zeros((0, 2), np.float32), np.zeros((0, 2)))], 2)
    other = hosts.store("b") / "features" / "rgb" / "0123"
    assert store.rows(other).keys() == {"one", "two"}
    assert store.forget(other, ["two"]) == 1
    assert store.rows(hosts.store("a") / "features" / "rgb" / "0123").keys() == {"one"}


def test_a_text_file_appears_whole_in_new_folders(tmp_path):
    places.write_text(tmp_path / "a" / "b.txt", "ü")
    assert (tmp_path / "a" / "b.txt").read_text(encoding="utf-8") == "ü"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.txt"]
