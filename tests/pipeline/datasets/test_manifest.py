import dataclasses
import hashlib
import json
import os
from pathlib import Path

import pytest

from pipeline.datasets import manifest, video_columns
from pipeline.datasets.annotations import Caption
from pipeline.errors import AnnotationError, DamagedError, NewerVersionError, StoreError


def count_as_many(monkeypatch):
    """Three videos count as many, which are kept in columns, two rows in a group."""
    monkeypatch.setattr(video_columns, "FEW", 2)
    monkeypatch.setattr(video_columns, "GROUP", 2)


@pytest.fixture(params=["few", "many"])
def kind(request, monkeypatch):
    """Whether the videos of the datasets count as many, which are kept in columns."""
    if request.param == "many":
        count_as_many(monkeypatch)
    return request.param


def saved(dataset, folder):
    """A manifest of the dataset as it is now, and the folder in which it is saved."""
    built = dataset.build()
    manifest.save(built, folder)
    return built, folder / built.fingerprint


def load(dataset, folder, name):
    manifest._load_videos.cache_clear()
    return manifest.load("ours", dataset.videos, folder, name)


def test_a_manifest_is_read_back_as_it_was_saved(dataset, kind):
    dataset.rows[0] = ("a.mp4", 'ünï 日本語 "quoted" 🎬', "train", "rgb")
    built = dataset.build()
    folder = dataset.root / "manifests"
    manifest.save(built, folder)
    assert manifest.load("ours", dataset.videos, folder, built.fingerprint) == built


def test_a_manifest_of_the_same_videos_with_other_dates_is_read_with_the_new_ones(dataset, kind):
    folder = dataset.root / "manifests"
    for time_ns in (1, 2):
        os.utime(dataset.videos / "a.mp4", ns=(time_ns, time_ns))
        built = dataset.build()
        manifest.save(built, folder)
        read = manifest.load("ours", dataset.videos, folder, built.fingerprint)
        assert read.videos[0].stamps[1] == time_ns
    assert len(list(folder.iterdir())) == 1, "dates are no part of the recipe"
    assert len(list(folder.glob("*/*"))) == {"few": 1, "many": 2}[kind], "an old table is deleted"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"videos": 3}', '{"videos": [{"video_id": "a"}]}'])
def test_a_damaged_manifest_is_told_and_what_to_do(dataset, text):
    built = dataset.build()
    folder = dataset.root / "manifests"
    manifest.save(built, folder)
    (folder / built.fingerprint / "manifest.json").write_text(text)
    with pytest.raises(StoreError, match=r"damaged: manifest\.json cannot be read"):
        manifest.load("ours", dataset.videos, folder, built.fingerprint)


@pytest.mark.parametrize("at", [0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("damage", ["flip", "cut", "gone"])
@pytest.mark.parametrize("pattern", ["*.json", "*.parquet"])
def test_any_damage_is_told_and_names_the_whole_manifest(dataset, monkeypatch, pattern, damage, at):
    count_as_many(monkeypatch)
    built, folder = saved(dataset, dataset.root / "manifests")
    (path,) = folder.glob(pattern)
    content = bytearray(path.read_bytes())
    place = int(at * (len(content) - 1))
    content[place] ^= 1
    path.unlink() if damage == "gone" else path.write_bytes(content if damage == "flip" else content[:place])
    with pytest.raises(DamagedError) as told:
        load(dataset, folder.parent, built.fingerprint)
    assert told.value.path == folder


def test_a_table_that_is_damaged_after_it_was_checked_is_told_when_it_is_read(dataset, monkeypatch):
    count_as_many(monkeypatch)
    built, folder = saved(dataset, dataset.root / "manifests")
    read = load(dataset, folder.parent, built.fingerprint)
    (table,) = folder.glob("*.parquet")
    with table.open("r+b") as file:
        file.truncate(100)
    with pytest.raises(DamagedError) as told:
        list(read.videos)
    assert told.value.path == folder


def test_a_manifest_whose_file_is_replaced_or_gone_is_read_as_it_was_checked(dataset, kind):
    built, folder = saved(dataset, dataset.root / "manifests")
    read = load(dataset, folder.parent, built.fingerprint)
    for path in folder.iterdir():
        path.unlink()
    assert read == built


def test_another_process_that_saves_the_same_manifest_again_is_no_damage(dataset, monkeypatch):
    """It replaces manifest.json and deletes the old table between our reading of the one and of the other."""
    count_as_many(monkeypatch)
    built, folder = saved(dataset, dataset.root / "manifests")
    real, others = Path.read_text, []

    def read_text(path, *args, **kwargs):
        text = real(path, *args, **kwargs)
        if path.name == "manifest.json" and not others:
            os.utime(dataset.videos / "a.mp4", ns=(7, 7))
            others.append(dataset.build())
            manifest.save(others[0], folder.parent)
        return text

    monkeypatch.setattr(Path, "read_text", read_text)
    assert load(dataset, folder.parent, built.fingerprint).videos[0].stamps[1] == 7


def test_a_kill_before_the_new_manifest_is_in_place_leaves_the_old_one(dataset, monkeypatch):
    count_as_many(monkeypatch)
    built, folder = saved(dataset, dataset.root / "manifests")
    os.utime(dataset.videos / "a.mp4", ns=(7, 7))
    with monkeypatch.context() as killed:
        killed.setattr(manifest.places, "write_text", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            saved(dataset, folder.parent)
    assert load(dataset, folder.parent, built.fingerprint) == built
    again, _ = saved(dataset, folder.parent)
    assert load(dataset, folder.parent, again.fingerprint) == again
    assert len(list(folder.iterdir())) == 2


def test_a_manifest_of_a_newer_version_is_told(dataset, kind):
    built, folder = saved(dataset, dataset.root / "manifests")
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": manifest.FORMAT + 1}))
    with pytest.raises(NewerVersionError, match="format"):
        load(dataset, folder.parent, built.fingerprint)


def test_a_table_says_to_older_programs_that_it_is_of_a_newer_version(dataset, kind):
    _, folder = saved(dataset, dataset.root / "manifests")
    assert json.loads((folder / "manifest.json").read_text())["format"] == {"few": 1, "many": 2}[kind]


def test_a_large_manifest_that_an_older_version_wrote_is_read_and_keeps_its_fingerprint(dataset, monkeypatch):
    old, folder = saved(dataset, dataset.root / "manifests")
    count_as_many(monkeypatch)
    read = load(dataset, folder.parent, old.fingerprint)
    again, _ = saved(dataset, folder.parent)
    assert read == old == again == load(dataset, folder.parent, again.fingerprint)


def test_the_pointer_leads_to_the_manifest_of_the_look_and_only_to_one_that_is_there(dataset):
    folder = dataset.root / "manifests"
    built = dataset.build()
    assert manifest.read_pointer(folder, dataset.digest) is None
    manifest.write_pointer(folder, dataset.digest, built.fingerprint)
    assert manifest.read_pointer(folder, dataset.digest) is None, "the manifest itself is not there"
    manifest.save(built, folder)
    assert manifest.read_pointer(folder, dataset.digest) == built.fingerprint
    assert manifest.read_pointer(folder, "0123456789ab") is None


def test_the_newest_pointer_is_that_of_the_last_look(dataset):
    folder = dataset.root / "manifests"
    assert manifest.newest_pointer(folder) is None
    built, _ = saved(dataset, folder)
    for number, (look, name) in enumerate([("a" * 12, built.fingerprint), ("b" * 12, "0" * 12)]):
        manifest.write_pointer(folder, look, name)
        os.utime(folder / f"look-{look}.json", (100 - number, 100 - number))
    assert manifest.newest_pointer(folder) == built.fingerprint


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"manifest": null}'])
def test_a_damaged_pointer_leads_nowhere(dataset, text):
    folder = dataset.root / "manifests"
    manifest.write_pointer(folder, "look", "name")
    next(folder.glob("look-*.json")).write_text(text)
    assert manifest.read_pointer(folder, "look") is None


def test_the_fingerprint_is_that_of_the_contents_captions_and_splits(dataset, kind):
    built = dataset.build()
    first, second, third = built.videos.contents
    captions = [["A red star", "rgb"], ["It turns", "flow"]]
    listed = [
        ["a.mp4", first, "train", captions], ["b.mp4", second, "val", [["A tone"]]],
        ["sub/a.mp4", third, "test", [["Hi"]]],
    ]  # fmt: skip
    recipe = {"dataset": "ours", "stage": "manifest", "version": manifest.MANIFEST_VERSION, "videos": listed}
    text = json.dumps(recipe, sort_keys=True, separators=(",", ":"))
    assert built.fingerprint == hashlib.sha256(text.encode()).hexdigest()[:12]
    assert manifest.recipe("ours", built.videos) == recipe


def test_grades_and_windows_are_kept_and_are_part_of_the_fingerprint(dataset, kind):
    built, folder = dataset.build(), dataset.root / "manifests"
    captions = (Caption("It turns", id="q1", grade=3, windows_s=((0.0, 0.1),)),)
    judged = [dataclasses.replace(video, captions=captions) for video in built.videos]
    made = manifest.of("ours", dataset.videos, video_columns.gather(judged, has_asked=True))
    plain = [dataclasses.replace(video, captions=(Caption("It turns"),)) for video in judged]
    assert made.fingerprint != manifest.of("ours", dataset.videos, video_columns.gather(plain)).fingerprint
    assert manifest.recipe("ours", judged)["videos"][0][-1] == ["asked", '[["q1", 3, [[0.0, 0.1]]]]']
    manifest.save(made, folder)
    assert load(dataset, folder, made.fingerprint) == made


def test_an_empty_split_is_refused_with_what_to_do(dataset, kind):
    dataset.rows = [("a.mp4", "one", "train", ""), ("gone.mp4", "two", "val", "")]
    built = dataset.build()
    built.refuse_empty(["train"], ["val"], ["train", "test"])
    with pytest.raises(AnnotationError, match=r"ours: no captioned video in the test split, .* not end; add captions"):
        built.refuse_empty(["train"], ["test"])


def test_a_split_of_files_that_cannot_be_read_is_empty(dataset, kind):
    (dataset.videos / "broken.mp4").write_text("not a video")
    dataset.rows = [("a.mp4", "one", "train", ""), ("broken.mp4", "It was fine yesterday", "val", "")]
    built = dataset.build()
    with pytest.raises(AnnotationError, match="no captioned video but 1 that cannot be read in the val split"):
        built.refuse_empty(["val"])
    built.refuse_empty(["train"], ["val", "train"])


def test_warnings_belong_to_the_settings_not_to_the_manifest(tmp_path):
    assert manifest.read_warnings(tmp_path, "look") is None
    manifest.write_pointer(tmp_path, "look", "name", ("one", "two"))
    manifest.write_pointer(tmp_path, "other", "name")
    assert manifest.read_warnings(tmp_path, "look") == ("one", "two")
    assert manifest.read_warnings(tmp_path, "other") == ()
    (tmp_path / "look-old.json").write_text('{"manifest": "name"}', encoding="utf-8")
    assert manifest.read_warnings(tmp_path, "old") is None
