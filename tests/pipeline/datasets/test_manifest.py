import json
import os

import pytest

from pipeline.datasets import manifest
from pipeline.errors import AnnotationError, StoreError


def test_a_manifest_is_read_back_as_it_was_saved(dataset):
    dataset.rows[0] = ("a.mp4", 'ünï 日本語 "quoted" 🎬', "train", "rgb")
    built = dataset.build()
    folder = dataset.root / "manifests"
    manifest.save(built, folder)
    assert manifest.load("ours", dataset.videos, folder, built.fingerprint) == built


def test_a_manifest_of_the_same_videos_with_other_dates_is_read_with_the_new_ones(dataset):
    folder = dataset.root / "manifests"
    for time_ns in (1, 2):
        os.utime(dataset.videos / "a.mp4", ns=(time_ns, time_ns))
        built = dataset.build()
        manifest.save(built, folder)
        read = manifest.load("ours", dataset.videos, folder, built.fingerprint)
        assert read.videos[0].stamps[1] == time_ns
    assert len(list(folder.iterdir())) == 1, "dates are no part of the recipe"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"videos": 3}', '{"videos": [{"video_id": "a"}]}'])
def test_a_damaged_manifest_is_told_and_what_to_do(dataset, text):
    built = dataset.build()
    folder = dataset.root / "manifests"
    manifest.save(built, folder)
    (folder / built.fingerprint / "manifest.json").write_text(text)
    with pytest.raises(StoreError, match=r"damaged: manifest\.json cannot be read"):
        manifest.load("ours", dataset.videos, folder, built.fingerprint)


def test_the_pointer_leads_to_the_manifest_of_the_look_and_only_to_one_that_is_there(dataset):
    folder = dataset.root / "manifests"
    built = dataset.build()
    assert manifest.read_pointer(folder, dataset.digest) is None
    manifest.write_pointer(folder, dataset.digest, built.fingerprint)
    assert manifest.read_pointer(folder, dataset.digest) is None, "the manifest itself is not there"
    manifest.save(built, folder)
    assert manifest.read_pointer(folder, dataset.digest) == built.fingerprint
    assert manifest.read_pointer(folder, "0123456789ab") is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"manifest": null}'])
def test_a_damaged_pointer_leads_nowhere(dataset, text):
    folder = dataset.root / "manifests"
    manifest.write_pointer(folder, "look", "name")
    next(folder.glob("look-*.json")).write_text(text)
    assert manifest.read_pointer(folder, "look") is None


def test_the_recipe_lists_what_the_fingerprint_is_made_of(dataset):
    built = dataset.build()
    recipe = manifest.recipe("ours", list(built.videos))
    assert recipe["stage"] == "manifest"
    assert [entry[0] for entry in recipe["videos"]] == ["a.mp4", "b.mp4", "sub/a.mp4"]
    assert recipe["videos"][0][3] == [["A red star", "rgb"], ["It turns", "flow"]]
    assert json.loads(json.dumps(recipe)) == recipe


def test_an_empty_split_is_refused_with_what_to_do(dataset):
    dataset.rows = [("a.mp4", "one", "train", ""), ("gone.mp4", "two", "val", "")]
    built = dataset.build()
    built.refuse_empty(["train"], ["val"], ["train", "test"])
    with pytest.raises(AnnotationError, match=r"ours: no captioned video in the test split, .* not end; add captions"):
        built.refuse_empty(["train"], ["test"])


def test_a_split_of_files_that_cannot_be_read_is_empty(dataset):
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
