"""What becomes of a file that is changed between its listing and the end of the pass (of `one_pass.py`)."""

import dataclasses
import hashlib
import os
import shutil

import pytest

from extractors.extraction import one_pass, views
from pipeline.datasets.stamps import CHANGED, stamps_of
from tests.clips import make_clip
from tests.extractors.run_experts import features_of, named, row_of, run_pass, video_of

RGB = named("rgb_light")


def listed(path):
    """The entry of a file in a manifest, with its stamps."""
    digest = hashlib.sha256(hashlib.sha256(path.read_bytes()).hexdigest().encode()).hexdigest()[:32]
    return path, dataclasses.replace(video_of(path), content=digest, stamps=stamps_of(path))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A clip of two segments, and another one."""
    folder = tmp_path_factory.mktemp("made")
    long = make_clip(folder / "long.mkv", size=(64, 48), fps=2, seconds=40, sound=None)
    return long, make_clip(folder / "other.mkv", size=(64, 48), fps=2, seconds=38, sound=None)


@pytest.fixture
def path(made, tmp_path):
    return shutil.copy(made[0], tmp_path / "a.mkv")


def test_a_file_that_was_replaced_before_it_is_read_is_not_opened_and_its_row_says_so(
    path, made, tmp_path, monkeypatch
):
    item = listed(path)
    shutil.copy(made[1], path)
    monkeypatch.setattr(one_pass, "prepare_piece", None)
    assert run_pass([RGB], [item], tmp_path / "store") == {}
    row = row_of(tmp_path / "store", RGB, item[1])
    assert (row.count, row.failed, row.reason) == (0, True, CHANGED)


def test_nothing_is_kept_of_a_file_that_is_replaced_half_way_and_the_new_one_is_another_row(path, made, tmp_path):
    item = listed(path)

    def replace(done_s, total_s, stage):
        if done_s == 32:
            shutil.copy(made[1], path)

    assert run_pass([RGB], [item], tmp_path / "store", progress=replace) == {}
    row = row_of(tmp_path / "store", RGB, item[1])
    assert (row.count, row.failed, row.reason) == (0, True, CHANGED)
    new = listed(path)
    views._cached_probe.cache_clear()  # a new pass has new workers
    assert run_pass([RGB], [new], tmp_path / "store") == {}
    assert row_of(tmp_path / "store", RGB, new[1]).count == 2 * 38


@pytest.mark.parametrize("known", [True, False], ids=["listed with stamps", "of an older manifest"])
def test_a_file_of_an_older_manifest_is_watched_from_the_start_of_its_reading(path, made, tmp_path, known):
    item = listed(path)
    if not known:
        item = (path, dataclasses.replace(item[1], stamps=()))
    assert run_pass([RGB], [item], tmp_path / "whole") == {}
    assert row_of(tmp_path / "whole", RGB, item[1]).count == 2 * 40

    def replace(done_s, total_s, stage):
        if done_s == 32:
            shutil.copy(made[1], path)

    assert run_pass([RGB], [item], tmp_path / "store", progress=replace) == {}
    assert row_of(tmp_path / "store", RGB, item[1]).reason == CHANGED


def test_a_file_that_is_only_touched_is_the_same_file(path, tmp_path):
    item = listed(path)

    def touch(done_s, total_s, stage):
        os.utime(path, ns=(1, 1))

    assert run_pass([RGB], [item], tmp_path / "undisturbed") == {}
    os.utime(path, ns=(2, 2))
    assert run_pass([RGB], [item], tmp_path / "store", progress=touch) == {}
    expected, found = (features_of(tmp_path / store, RGB, item[1]) for store in ("undisturbed", "store"))
    assert found.values.tobytes() == expected.values.tobytes()
