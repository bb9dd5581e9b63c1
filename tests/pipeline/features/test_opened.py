import subprocess
import sys

import numpy as np
import pytest

from pipeline.errors import ConfigError
from pipeline.features.opened import NoFeaturesError
from pipeline.stores import open_features
from tests.pipeline.features.stored import COUNTS, FAILED, MISSING, SEEN, Stored, features
from tests.pipeline.hosts import ADDRESS

GOOD = [video for video in sorted(COUNTS) if video != FAILED]


def test_the_features_are_those_that_were_stored(stored):
    stored.store()
    found = open_features("tiny", "seen_light")
    for video in GOOD:
        expected = features(COUNTS[video])
        np.testing.assert_array_equal(found[video].values, expected.values)
        np.testing.assert_array_equal(found[video].times_s, expected.times_s)
    assert found["three.mp4"].extras["text"].tolist() == ["word 0", "word 1", "word 2"]
    assert found["none.mp4"].values.shape == (0, 3)


def test_it_is_a_mapping_of_the_videos_on_which_the_expert_worked(stored):
    stored.store()
    found = open_features("tiny", "seen_light")
    assert list(found) == list(found.keys()) == GOOD
    assert (len(found), found.dim) == (3, 3)
    assert [name in found for name in ("three.mp4", FAILED, MISSING, "nobody.mp4", 7)] == [True, *[False] * 4]
    assert found.get(FAILED) is None
    assert found.recipe == SEEN
    assert "seen_light" in repr(found) and found.fingerprint in repr(found)


@pytest.mark.parametrize(
    "video, said",
    [
        ("thre.mp4", r"no video 'thre.mp4' in it; did you mean 'three.mp4'"),
        ("zzzzzzzz", r"no video 'zzzzzzzz' in it; its videos are called e.g. 'a/one.mp4', "),
        (FAILED, "seen_light of bad.mp4: it failed: it is a text"),
        (MISSING, "seen_light of new.mp4: not extracted yet; run it: luigi --module tasks ExtractExpert "),
    ],
)
def test_a_video_without_features_is_told_in_one_line_that_says_why(stored, video, said):
    stored.store()
    with pytest.raises(NoFeaturesError, match=rf"^tiny: {said}[^\n]*$") as caught:
        open_features("tiny", "seen_light")[video]
    assert isinstance(caught.value, KeyError)


@pytest.mark.parametrize(
    "dataset, expert, said",
    [
        ("tinny", "seen_light", "no tinny.yaml in .* \\(did you mean 'tiny'"),
        ("tiny", "seen_ligth", "no seen_ligth.yaml in .* \\(did you mean 'seen_light'"),
        ("tiny", "seen_light", "tiny: seen_light was never extracted; run it: luigi --module tasks ExtractExpert "),
    ],
)
def test_what_is_not_there_is_told_in_one_line(stored, dataset, expert, said):
    with pytest.raises(ConfigError, match=rf"^{said}[^\n]*$"):
        open_features(dataset, expert)


def test_a_dataset_that_nobody_has_looked_into_says_what_to_run(stored):
    stored.yaml("datasets", "other", videos="data/raw/other")
    with pytest.raises(ConfigError, match=r"^other: nobody has [^\n]*BuildManifest --dataset other$"):
        open_features("other", "seen_light")


def test_other_folders_may_be_named(stored, tmp_path, monkeypatch):
    stored.store()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="no project folder"):
        open_features("tiny", "seen_light")
    assert len(open_features("tiny", "seen_light", data="project/data", configs="project/configs")) == 3


def test_what_another_host_put_into_object_storage_is_read_from_there(hosts, tmp_path):
    stored = Stored(tmp_path / "project", results=hosts.store("one"))
    stored.store()
    hosts.store("two")  # a process of its own
    found = open_features("tiny", "seen_light", tmp_path / "two", stored.root / "configs", ADDRESS)
    np.testing.assert_array_equal(found["three.mp4"].values, features(3).values)


def test_imported_features_are_found_by_the_names_of_the_videos(stored):
    stored.yaml("experts", "given", extractor="imported", modality="rgb", params={"dim": 3})
    recipe = {"extractor": "imported", "version": 1, "params": {"dim": 3}}
    stored.store(recipe, "given", imported="tiny")
    found = open_features("tiny", "given")
    np.testing.assert_array_equal(found["three.mp4"].values, features(3).values)


def test_what_is_done_to_an_array_stays_with_who_does_it(stored):
    stored.store()
    found = open_features("tiny", "seen_light")
    found["three.mp4"].values[:] = 0
    np.testing.assert_array_equal(found["three.mp4"].values, features(3).values)


def test_it_imports_no_torch():
    code = "import sys; from pipeline.stores import open_features; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_nothing_else_has_a_short_name():
    with pytest.raises(ImportError, match="open_feature"):
        from pipeline.stores import open_feature  # noqa: F401
