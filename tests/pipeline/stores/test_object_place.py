import errno
import time

import pytest

from pipeline.errors import StoreError
from pipeline.stores import atomic, object_place, places
from pipeline.stores.object_place import MARKED
from tasks.plan.garbage import PATTERNS


def test_what_is_here_is_not_asked_for(hosts, monkeypatch):
    root = hosts.store("a")
    (root / "runs").mkdir()
    (root / "runs" / "x").write_text("here")
    asked = []
    monkeypatch.setattr(type(hosts.objects), "found", lambda self, *a: asked.append(a) or iter(()))
    places.fetched(root / "runs" / "x")
    assert asked == []


def test_what_is_nowhere_stays_missing(hosts):
    root = hosts.store("a")
    places.place_of(root).fetch([root / "runs" / "x", root / "reports" / "y" / "z"])
    assert not (root / "runs" / "x").exists()


def test_a_large_fetch_is_said(hosts, monkeypatch, caplog):
    hosts.objects.put("index/d/1/vectors.bin", bytes(1000))
    monkeypatch.setattr(object_place, "LARGE_BYTES", 100)
    root = hosts.store("a")
    places.listed(root)
    places.fetched(root / "index" / "d" / "1")
    assert (root / "index" / "d" / "1" / "vectors.bin").stat().st_size == 1000
    assert "Fetching 0 MB from s3://bucket/results" in caplog.text


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_full_disk_is_one_line_that_says_what_may_be_deleted(hosts, monkeypatch, number):
    hosts.objects.put("runs/d/m/1/recipe.json", b"{}")
    root = hosts.store("a")

    def full(self, key, path):
        raise OSError(number, "No space left on device")

    monkeypatch.setattr(type(hosts.objects), "fetch", full)
    for read in (places.listed, places.fetched):
        with pytest.raises(StoreError, match=r"No space left on device; free some space .* may be deleted"):
            read(root / "runs" / "d" / "m" / "1" / "recipe.json")


def test_sizes_are_those_in_the_storage(hosts):
    hosts.objects.put("runs/d/m/1/model", bytes(1000))
    root = hosts.store("a")
    assert places.place_of(root / "runs" / "d").total_bytes(root / "runs" / "d") == 1000
    (root / "runs" / "e").mkdir(parents=True)
    (root / "runs" / "e" / "state").write_bytes(bytes(10))
    assert places.place_of(root / "runs" / "e").total_bytes(root / "runs" / "e") == 10


def test_old_halves_of_parts_and_results_and_old_claims_are_remains(hosts, monkeypatch):
    whole = ("features/rgb/1/part-1.zarr/zarr.json", "runs/d/m/1/recipe.json", "index/d/1/recipe.json")
    beside = (
        "features/rgb/1/recipe.json",
        "index/d/current.json",
        "manifests/d/look-1.json",
        "manifests/d/1/manifest.json",
    )
    halves = (
        "features/rgb/1/part-2.zarr/values/c/0/0",
        "runs/d/m/2/model",
        "index/d/2/words.sqlite",
        "manifests/d/2/videos.parquet",
    )
    for key in (*whole, *beside, *halves, "features/rgb/1/part-1.zarr/values/c/0/0", "runs/d/m/1/model", "claims/d/1"):
        hosts.objects.put(key, b"x")
    root = hosts.store("a")
    place = places.place_of(root)
    assert place.remains() == []
    now_s = time.time()
    monkeypatch.setattr(time, "time", lambda: now_s + 2 * atomic.ABANDONED_S)
    assert place.remains() == [root / "claims" / "d" / "1"]
    monkeypatch.setattr(time, "time", lambda: now_s + 2 * atomic.FOREIGN_ABANDONED_S)
    found = place.remains()
    units = ("claims/d/1", "features/rgb/1/part-2.zarr", "index/d/2", "manifests/d/2", "runs/d/m/2")
    assert found == [root / unit for unit in units]
    for path in found:
        places.remove(path)
    assert not set(halves) & set(hosts.keys)
    assert set(whole) | set(beside) <= set(hosts.keys)


def test_results_that_a_recipe_marks_are_those_that_garbage_is_looked_for_in():
    depths = {pattern.partition("/")[0]: pattern.count("/") + 1 for pattern in PATTERNS}
    marked = {kind: depth for kind, depth in depths.items() if kind not in ("features", "text")}
    assert marked == {kind: depth for kind, depth in MARKED.items() if kind != "released"}


def test_a_copy_is_compared_with_its_object_and_one_without_an_object_is_no_difference(hosts):
    root = hosts.store("a")
    run = root / "runs" / "d" / "m" / "1"
    run.mkdir(parents=True)
    (run / "model").write_text("weights")
    (run / "state").write_text("only here")
    place = places.place_of(run)
    place.share([run / "model"])
    assert place.has_same_bytes(run)
    (run / "model").write_text("WEIGHTS")
    assert not place.has_same_bytes(run)
    assert place.has_same_bytes(root / "nowhere")


def test_publishing_a_file_replaces_the_object(hosts):
    root = hosts.store("a")
    for text in ("one", "two"):
        places.write_text(root / "index" / "d" / "current.json", text)
        assert hosts.objects.read("index/d/current.json") == text.encode()
        assert (root / "index" / "d" / "current.json").read_text() == text
