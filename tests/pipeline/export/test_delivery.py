import pytest

from pipeline.errors import ConfigError
from pipeline.export.delivery import check, delivered


def test_a_path_is_written_to_as_it_is(tmp_path):
    otherwise = tmp_path / "export" / "f.parquet"
    for to, path in (("", otherwise), (str(tmp_path / "mine.parquet"), tmp_path / "mine.parquet")):
        check(to, is_file=False)
        with delivered(to, otherwise) as given:
            assert given == path
    assert list(tmp_path.iterdir()) == [], "whoever writes makes the folders"


def test_at_an_address_the_file_and_what_lies_beside_it_are_objects(stored, tmp_path):
    with delivered("s3://bucket/out/v.parquet", tmp_path / "export" / "f.parquet") as path:
        assert path.name == "v.parquet"
        path.write_bytes(b"vectors")
        path.with_name("v.parquet.videos.csv").write_text("video,state\n")
        assert list(stored.found()) == [], "nothing is there before all of it is"
    assert {one.key: stored.read(one.key) for one in stored.found()} == {
        "v.parquet": b"vectors", "v.parquet.videos.csv": b"video,state\n",
    }  # fmt: skip
    assert list((tmp_path / "export").iterdir()) == []


def test_the_file_itself_comes_last(monkeypatch, stored, tmp_path):
    order = []
    monkeypatch.setattr(type(stored), "put", lambda self, key, source: order.append(f"{self.address}/{key}"))
    with delivered("s3://bucket/out/b", tmp_path / "f") as path:
        for name in ("a", "b", "c"):
            path.with_name(name).touch()
    assert order == ["s3://bucket/out/a", "s3://bucket/out/c", "s3://bucket/out/b"]


def test_what_fails_half_way_leaves_storage_and_disk_as_they_were(stored, tmp_path):
    with pytest.raises(OSError, match="full"), delivered("s3://bucket/v.parquet", tmp_path / "f.parquet") as path:
        path.write_bytes(b"half")
        raise OSError("the disk is full")
    assert list(stored.found()) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("to", "is_file", "told"),
    [
        ("https://a.org/v.parquet", True, r"begins with s3://, gs://, az://$"),
        ("s3://bucket/v.lance", False, r"only jsonl and parquet of one expert"),
        ("s3://bucket", True, r"name the object to write, e\.g\. s3://bucket/features\.parquet$"),
        ("s3://bucket/out/", True, r"name the object to write"),
        ("s3://bucket/..", True, r"name the object to write"),
        ("s3://bucket/a/../v.parquet", True, r"name the object to write"),
        ("s3://bucket/a//v.parquet", True, r"name the object to write"),
        ("s3://bucket/./v.parquet", True, r"name the object to write"),
        ("s3://bucket//v.parquet", True, r"name the object to write"),
        ("s3://bucket/a\nb/v.parquet", True, r"name the object to write"),
        ("s3://bucket/v?.parquet", True, r"has a password or a query"),
        ("s3://me:secret@bucket/v.parquet", True, r"credentials belong into the environment"),
    ],
)
def test_an_address_that_cannot_be_written_to_is_one_line_before_anything_is_computed(to, is_file, told):
    with pytest.raises(ConfigError, match=told) as caught:
        check(to, is_file)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("key", ["%20z.parquet", ".hidden.parquet", "a b ü.parquet", "a&b=c;d.parquet"])
def test_a_key_that_can_be_written_is_written_as_it_is_printed(stored, tmp_path, key):
    check(f"s3://bucket/{key}", is_file=True)
    with delivered(f"s3://bucket/{key}", tmp_path / "f") as path:
        path.write_bytes(b"vectors")
    assert [one.key for one in stored.found()] == [key]
