import json
import os
import time

import pytest

from pipeline.stores import object_listing, places
from pipeline.stores.object_listing import files_of, hide, is_news, listing_of, side_by_side


def put(hosts, **objects):
    for key, content in objects.items():
        hosts.objects.put(key.replace("__", "/").replace("_json", ".json"), content)


def test_what_is_copied_at_once_is_told_by_its_name():
    assert all(
        map(is_news, ("recipe.json", "runs/d/m/1/recipe.json", "manifests/d/look-1.json", "index/d/current.json"))
    )
    assert not any(map(is_news, ("runs/d/m/1/model.safetensors", "manifests/d/1/manifest.json", "look-1.txt", "")))


def test_results_are_seen_by_their_recipes_and_the_size_of_all_files_is_known(hosts):
    put(hosts, runs__d__m__1__recipe_json=b"{}", runs__d__m__1__model=b"12345", runs__d__m__2__model=b"half")
    root = hosts.store("b")
    places.listed(root / "runs" / "d" / "m" / "1")
    found = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert found == {"mirror.json", "runs/d/m/1/recipe.json"}
    place = places.place_of(root)
    assert place.size_bytes(root / "runs" / "d" / "m" / "1" / "model") == 5
    with pytest.raises(FileNotFoundError):
        place.size_bytes(root / "runs" / "d" / "m" / "1" / "nowhere")


def test_a_copy_has_the_date_of_its_object_and_is_copied_again_only_when_that_changes(hosts, monkeypatch):
    put(hosts, index__d__current_json=b'"a"')
    root = hosts.store("b")
    path = places.listed(root / "index" / "d") / "current.json"
    assert path.stat().st_mtime == pytest.approx(hosts.objects.head("index/d/current.json").modified_s, abs=1e-3)
    fetched = []
    fetch = type(hosts.objects).fetch
    monkeypatch.setattr(type(hosts.objects), "fetch", lambda self, *a: (fetched.append(a[0]), fetch(self, *a))[1])
    places.place_of(root).refresh()
    assert fetched == []
    time.sleep(0.01)
    put(hosts, index__d__current_json=b'"b"')
    places.place_of(root).refresh()
    assert fetched == ["index/d/current.json"]
    assert path.read_text() == '"b"'


def test_what_was_listed_just_now_is_not_listed_again(hosts, monkeypatch):
    root = hosts.store("b")
    asked = []
    level = type(hosts.objects).level
    monkeypatch.setattr(type(hosts.objects), "level", lambda self, *a: (asked.append(a), level(self, *a))[1])
    for _ in range(5):
        places.listed(root / "runs" / "d")
        places.listed(root / "features" / "rgb" / "1")
    assert len(asked) == 2
    places.place_of(root / "runs" / "d").refresh()
    assert len(asked) == 3


def test_stores_above_parts_are_listed_without_them(hosts):
    put(hosts, features__rgb__1__recipe_json=b"{}")
    hosts.objects.put("features/rgb/1/part-1.zarr/zarr.json", b"{}")
    hosts.objects.put("features/rgb/1/imports/msrvtt.json", b"{}")
    root = hosts.store("b")
    for folder in (root, root / "features", root / "features" / "rgb"):
        places.listed(folder)
    below = root / "features" / "rgb" / "1"
    assert sorted(path.name for path in below.rglob("*") if path.is_file()) == ["msrvtt.json", "recipe.json"]
    places.listed(below)
    assert (below / "part-1.zarr" / "zarr.json").exists()


def test_a_recipe_of_a_store_that_is_gone_goes_here_too(hosts):
    put(hosts, features__rgb__1__recipe_json=b"{}")
    folder = places.listed(hosts.store("b") / "features" / "rgb" / "1")
    assert (folder / "recipe.json").exists()
    hosts.objects.delete(["features/rgb/1/recipe.json"])
    places.place_of(folder).refresh()
    assert not (folder / "recipe.json").exists()


def test_an_unfinished_training_on_this_disk_is_left_alone(hosts):
    run = hosts.store("b") / "runs" / "d" / "m" / "1"
    run.mkdir(parents=True)
    (run / "state.safetensors").write_text("half")
    places.listed(run)
    assert [path.name for path in run.iterdir()] == ["state.safetensors"]


def test_the_listing_is_one_per_mirror_and_process(hosts, tmp_path):
    place = places.place_of(hosts.store("a") / "runs")
    assert listing_of(place._mirror) is listing_of(place._mirror)


def test_the_files_of_a_result_are_those_that_its_recipe_lists(tmp_path):
    assert files_of(tmp_path) == {}
    (tmp_path / "recipe.json").write_text("{")
    assert files_of(tmp_path) == {}
    (tmp_path / "recipe.json").write_text(json.dumps({"files": {"a": [3, "ff"]}}))
    assert files_of(tmp_path) == {"a": (3, "ff")}


def test_a_hidden_copy_has_a_temporary_name_and_one_that_is_gone_is_no_error(tmp_path):
    (tmp_path / "part").mkdir()
    hide(tmp_path / "part")
    hide(tmp_path / "part")
    (name,) = os.listdir(tmp_path)  # noqa: PTH208
    assert name.startswith(".tmp-")
    assert name.endswith("-part")


def test_work_side_by_side_keeps_its_order_and_its_errors():
    assert side_by_side(lambda item: 2 * item, list(range(100))) == list(range(0, 200, 2))
    assert side_by_side(str, []) == []
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda item: 1 / item, [1, 0, 1])


def test_an_empty_storage_hides_copies_and_deletes_none(hosts):
    put(hosts, runs__d__m__1__recipe_json=b"{}")
    root = hosts.store("b")
    places.listed(root)
    hosts.objects.delete(["runs/d/m/1/recipe.json"])
    places.place_of(root).refresh()
    kept = list(root.rglob("recipe.json"))
    assert len(kept) == 1
    assert ".tmp-" in kept[0].parent.name


def test_manifests_of_other_hosts_show_as_folders_until_they_are_gone(hosts):
    put(hosts, manifests__d__1__manifest_json=b"{}")
    root = hosts.store("b")
    folder = places.listed(root) / "manifests" / "d" / "1"
    assert list(folder.iterdir()) == []
    assert places.fetched(folder / "manifest.json").read_text() == "{}"
    hosts.objects.delete(["manifests/d/1/manifest.json"])
    places.place_of(root).refresh()
    assert not folder.exists()


def test_the_kinds_of_stores_are_those_of_the_layout(tmp_path):
    from extractors import registry
    from tasks.plan.layout import Layout
    from tests.tasks.project import CONFIGS

    layout = Layout(tmp_path, CONFIGS)
    expert, text = registry.expert("rgb_light", CONFIGS / "experts"), registry.text("words_hashed", CONFIGS / "text")
    folders = [layout.features(expert), layout.text(text)]
    assert [folder.relative_to(layout.store).parts[0] for folder in folders] == list(object_listing.STORES)
    assert {len(folder.relative_to(layout.store).parts) for folder in folders} == {object_listing.STORE_DEPTH}
