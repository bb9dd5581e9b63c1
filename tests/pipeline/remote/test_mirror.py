import os

import pytest

from pipeline.errors import ConfigError, StoreError
from pipeline.remote import mirror
from pipeline.remote.objects import Objects


def test_a_path_below_a_mirror_finds_the_object_that_it_stands_for(tmp_path, monkeypatch):
    folder = tmp_path / "mirror" / "one"
    made = mirror.make(folder, "s3://bucket/results/")
    monkeypatch.chdir(tmp_path)
    for path in (folder / "a" / "b c.json", "mirror/one/a/b c.json", "mirror/one/x/../a/b c.json"):
        assert mirror.mirror_of(tmp_path / path) == (made, "a/b c.json")
    assert mirror.mirror_of(folder) == (made, "")
    assert made.path("a/b c.json") == folder / "a" / "b c.json"
    assert made.objects == Objects("s3://bucket/results")
    assert mirror.mirror_of(tmp_path / "elsewhere" / "a") is None


def test_a_mirror_is_made_once_and_for_one_address(tmp_path):
    first = mirror.make(tmp_path / "m", "s3://bucket/x")
    assert mirror.make(tmp_path / "m", "s3://bucket/x/") == first
    with pytest.raises(StoreError, match="is the mirror of s3://bucket/x"):
        mirror.make(tmp_path / "m", "s3://bucket/y")
    assert [path.name for path in (tmp_path / "m").iterdir()] == ["mirror.json"]


def test_a_damaged_mirror_says_what_to_do(tmp_path):
    (tmp_path / "mirror.json").write_text("{")
    with pytest.raises(StoreError, match="delete the folder"):
        mirror.mirror_of(tmp_path / "a")


def test_the_name_tells_storages_apart_that_share_an_address(monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    names = {mirror.name_of("s3://bucket/x"), mirror.name_of("s3://bucket/y")}
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    names.add(mirror.name_of("s3://bucket/x"))
    assert len(names) == 3
    assert mirror.name_of("s3://bucket/x/") == mirror.name_of("s3://bucket/x")
    assert all(len(name) == 8 for name in names)


@pytest.mark.parametrize("key", ["../x", "a/../../x", "/etc/passwd", "", "a\\b", "a\0b"])
def test_a_key_never_leads_out_of_the_folder(tmp_path, key):
    with pytest.raises(ConfigError, match="no name for a local file"):
        mirror.make(tmp_path / "m", "s3://bucket/x").path(key)


def test_what_is_there_is_not_fetched_again(tmp_path, monkeypatch):
    made = mirror.make(tmp_path, "s3://bucket/x")
    fetched = []

    def fetch(self, key, path):
        fetched.append(key)
        path.parent.mkdir(parents=True)
        path.write_bytes(b"1")

    monkeypatch.setattr(Objects, "fetch", fetch)
    assert made.fetch("a/b") == tmp_path / "a" / "b"
    assert made.fetch("a/b").read_bytes() == b"1"
    assert fetched == ["a/b"]
    assert os.fspath(made.folder) == os.fspath(tmp_path)
