"""Names with wildcards and braces."""

import glob
import os
from pathlib import Path

import pytest
from obstore.store import LocalStore

from pipeline.errors import AnnotationError
from pipeline.remote import objects as remote_objects
from pipeline.remote_files.patterns import fixed, is_of_objects, is_pattern, lines, objects, spelled_out

FILES = (
    "a/clips/1.mp4", "a/clips/1.en.srt", "a/clips/1.txt", "a/clips/2.mp4", "a/clips/10.mkv", "a/clips/other.srt",
    "b/clips/deep/3.mp4", "b/clips/[x].mp4", "b/4.mp4", "c.tar",
)  # fmt: skip
PATTERNS = ("*/clips/*.mp4", "**/*.mp4", "a/clips/[0-2]*.mp4", "a/clips/[!1]*.mp4", "*/clips/?.mp4", "*", "**/deep/*")


@pytest.fixture
def folder(tmp_path):
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    return tmp_path


@pytest.fixture
def bucket(folder, monkeypatch):
    """The same folder as object storage."""
    monkeypatch.setattr(
        remote_objects, "client", lambda address: LocalStore(folder / address.removeprefix("s3://box/p").lstrip("/"))
    )
    return "s3://box/p"


def test_what_is_a_pattern_and_where_its_names_begin():
    named = {
        "/data/*/clips/*.mp4": "/data/", "s3://box/a/b-{000..010}.tar": "s3://box/a/", "/data/x.tar": "/data/",
        "https://a.org/x/{a,b}.parquet?sig=1": "https://a.org/x/", "/data/a?c/x.mp4": "/data/", "x.tar.gz": "",
    }  # fmt: skip
    assert {name: fixed(name) for name in named if is_pattern(name)} == named
    folders = ("/data/videos", "s3://box/a", "https://a.org/l.txt?x=*", "/data/{x}", "/data/[x]", "list.txt")
    assert not any(map(is_pattern, folders))
    assert is_of_objects("s3://box/*.tar") and not is_of_objects("s3://box/{a,b}.tar") and not is_of_objects("/a/*")


def test_braces_are_filled_as_bash_does():
    assert spelled_out("s-{008..011}.tar") == [f"s-{number}.tar" for number in ("008", "009", "010", "011")]
    assert spelled_out("{a,b}{2..1}") == ["a2", "a1", "b2", "b1"]
    assert spelled_out("{x}-{}") == ["{x}-{}"]
    with pytest.raises(AnnotationError, match="more than 100000 names"):
        spelled_out("{0..999999}{0..999999}{0..999999}.tar")


@pytest.mark.parametrize("pattern", PATTERNS)
def test_local_names_are_those_of_glob_and_what_lies_beside_them(folder, pattern):
    expected = set(filter(os.path.isfile, glob.glob(f"{folder}/{pattern}", recursive=True)))  # noqa: PTH207
    found = {line.address: line.video_id for line in lines(f"{folder}/{pattern}")}
    beside = set(found) - expected
    assert set(found) >= expected
    own = {f"{folder}/a/clips/1.en.srt", f"{folder}/a/clips/1.txt"}
    assert beside == (own - expected if f"{folder}/a/clips/1.mp4" in expected else set())
    below = fixed(f"{folder}/{pattern}")
    assert all(below + name == path for path, name in found.items())


@pytest.mark.parametrize("pattern", [pattern for pattern in PATTERNS if "?" not in pattern])
def test_a_bucket_is_matched_as_a_folder_is(folder, bucket, pattern):
    here = {line.address.removeprefix(f"{folder}/") for line in lines(f"{folder}/{pattern}")}
    there = {facts.address.removeprefix(f"{bucket}/"): name for name, facts in objects(f"{bucket}/{pattern}")}
    assert set(there) == here
    assert all(fixed(f"{bucket}/{pattern}") + name == f"{bucket}/{key}" for key, name in there.items())


def test_a_single_name_is_there_or_an_error_and_one_of_several_is_told_later(folder, bucket):
    (one,) = lines(str(folder / "c.tar"))
    assert (one.video_id, one.address) == ("c.tar", str(folder / "c.tar"))
    assert [line.video_id for line in lines(f"{folder}/{{b,c}}.tar")] == ["b.tar", "c.tar"]
    for nothing in (f"{folder}/d.tar", f"{folder}/*.avi"):
        with pytest.raises(AnnotationError, match="no such file"):
            list(lines(nothing))
    with pytest.raises(AnnotationError, match="no such object"):
        list(objects(f"{bucket}/*.avi"))


def test_a_web_address_has_no_wildcards_and_compressed_tars_are_not_read():
    with pytest.raises(AnnotationError, match="nothing can be listed at a web address"):
        list(lines("https://a.org/*.tar"))
    for name in ("x.tar.gz", "https://a.org/x.tar.zst?sig=1", "/data/*.tgz"):
        with pytest.raises(AnnotationError, match="compressed tars are not read"):
            list(lines(name))


def test_a_question_mark_is_a_part_of_local_names_and_ends_those_of_addresses(tmp_path):
    folder = tmp_path / "is it?"
    folder.mkdir()
    for name in ("who?1.mp4", "who?2.mp4", "x.tar"):
        (folder / name).touch()
    found = {Path(line.address).name: line.video_id for line in lines(f"{folder}/*")}
    assert found == {name: f"is it?/{name}" for name in ("who?1.mp4", "who?2.mp4", "x.tar")}
    (one,) = lines(str(folder / "x.tar"))
    assert (one.video_id, one.address) == ("is it?/x.tar", str(folder / "x.tar"))
    (there,) = lines("https://a.org/x.tar?sig=1")
    assert (there.video_id, there.address) == ("x.tar", "https://a.org/x.tar?sig=1")
    with pytest.raises(AnnotationError, match="compressed tars are not read"):
        list(lines(str(folder / "x.tar.gz")))
