"""The tree of empty files that stands for remote ones."""

import json
import os
import time

import pytest

from pipeline.errors import AnnotationError, OutageError
from pipeline.remote.fetching import Found
from pipeline.remote_files import look
from pipeline.remote_files.files import facts_of, listed, read_bytes
from pipeline.remote_files.home import LISTING, Reading
from pipeline.remote_files.look import name_of_source, refresh
from pipeline.remote_files.places import folder_of
from tests.pipeline.packed.test_tables import table_of
from tests.pipeline.packed.test_tars import tar_of

NOW = Reading(look_again_s=0)


@pytest.fixture
def bucket(monkeypatch):
    """What is in every bucket: key -> (size, ETag)."""
    held = {}

    class Bucket:
        def __init__(self, address):
            self.address = address

        def found(self):
            return (Found(key, size, etag, 1.0) for key, (size, etag) in held.items())

    monkeypatch.setattr(look, "Objects", Bucket)
    return held


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def looked(folder):
    left_out = []
    refresh(folder, left_out)
    return names(folder), left_out


def test_the_tree_follows_the_bucket(bucket, tmp_path):
    bucket |= {"a/b.mp4": (5, '"1"'), "a/b.srt": (2, '"2"'), "c.mp4": (7, '"3"')}
    folder = folder_of("s3://box/videos", tmp_path, NOW)
    assert looked(folder) == (["a/b.mp4", "a/b.srt", "c.mp4"], [])
    assert facts_of(folder / "a/b.mp4").address == "s3://box/videos/a/b.mp4"
    assert (folder / "a/b.mp4").stat().st_size == 0
    first = facts_of(folder / "c.mp4").stamp
    del bucket["a/b.mp4"], bucket["a/b.srt"]
    bucket |= {"c.mp4": (7, '"4"'), "d/e/f.mp4": (1, '"5"')}
    assert looked(folder)[0] == ["c.mp4", "d/e/f.mp4"]
    assert not (folder / "a").exists()
    assert facts_of(folder / "c.mp4").stamp != first
    bucket.clear()
    bucket |= {"c.mp4/x.mp4": (1, '"6"'), "d": (1, '"7"')}  # a file in place of a folder, and the reverse
    assert looked(folder)[0] == ["c.mp4/x.mp4", "d"]


def test_hostile_keys_never_leave_the_folder(bucket, tmp_path):
    hostile = ["../../evil.mp4", "/etc/evil.mp4", "a/../../evil.mp4", "a//b.mp4", "a\0b.mp4", "\x1b[2J.mp4", "x" * 300]
    bucket |= dict.fromkeys([*hostile, "good.mp4", "folder/", ".hidden.mp4", "a/.git/x.mp4"], (1, '"1"'))
    folder = folder_of("s3://box", tmp_path / "data", NOW)
    found, left_out = looked(folder)
    assert found == ["good.mp4"]
    assert len(left_out) == len(hostile)
    assert not any("\x1b" in note or "\0" in note for note in left_out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_a_key_that_is_a_file_and_a_folder_is_told(bucket, tmp_path):
    bucket |= {"a": (1, '"1"'), "a/b.mp4": (1, '"1"')}
    found, left_out = looked(folder_of("s3://box", tmp_path, NOW))
    assert found == ["a/b.mp4"] and "at once" in left_out[0]


def test_what_was_listed_just_now_stands_and_what_is_damaged_does_not(bucket, tmp_path):
    bucket["a.mp4"] = (1, '"1"')
    folder = folder_of("s3://box", tmp_path, Reading(look_again_s=1000))
    assert looked(folder)[0] == ["a.mp4"]
    bucket["b.mp4"] = (1, '"1"')
    assert looked(folder)[0] == ["a.mp4"]
    (folder.parent / LISTING).unlink()
    assert looked(folder)[0] == ["a.mp4", "b.mp4"]


def test_a_list_names_files_here_and_elsewhere(web_server, tmp_path):
    (web_server.folder / "x.mp4").write_bytes(b"there")
    (tmp_path / "y.mp4").write_bytes(b"here")
    source = tmp_path / "list.txt"
    source.write_text(f"{web_server.address}/x.mp4\ny.mp4\n{web_server.address}/gone.mp4\n")
    folder = folder_of(str(source), tmp_path / "data", Reading(look_again_s=1000))
    host = web_server.address.removeprefix("http://")
    assert looked(folder)[0] == sorted([f"{host}/x.mp4", f"{host}/gone.mp4", "y.mp4"])
    assert read_bytes(folder / host / "x.mp4") == b"there"
    assert facts_of(folder / "y.mp4") is None and (folder / "y.mp4").read_bytes() == b"here"
    assert listed(folder / host / "gone.mp4").problem.endswith("gone.mp4: the server answers 404 Not Found")
    source.write_text(f"{web_server.address}/x.mp4\n# an edit is seen at once\n")
    os.utime(source, (time.time() - 100, time.time() - 100))
    assert looked(folder)[0] == [f"{host}/x.mp4"]


def test_a_list_that_lies_elsewhere_is_fetched_and_may_be_relative(web_server, tmp_path):
    (web_server.folder / "videos").mkdir()
    (web_server.folder / "videos" / "x.mp4").write_bytes(b"x")
    (web_server.folder / "videos" / "all.txt").write_text("x.mp4\n")
    folder = folder_of(f"{web_server.address}/videos/all.txt", tmp_path, NOW)
    assert [name.partition("/")[2] for name in looked(folder)[0]] == ["videos/x.mp4"]


def test_a_server_that_is_down_is_one_error_and_one_dead_host_among_others_a_row(web_server, tmp_path):
    (web_server.folder / "x.mp4").write_bytes(b"x")
    dead = "http://127.0.0.1:9"  # the port "discard"
    source = tmp_path / "list.txt"
    source.write_text(f"{dead}/a.mp4\n{dead}/b.mp4\n")
    with pytest.raises(OutageError, match="does not answer"):
        looked(folder_of(str(source), tmp_path, NOW))
    source.write_text(f"{dead}/a.mp4\n{web_server.address}/x.mp4\n")
    folder = folder_of(str(source), tmp_path, NOW)
    assert len(looked(folder)[0]) == 2
    assert "does not answer" in listed(folder / "127.0.0.1:9" / "a.mp4").problem


def test_a_web_address_that_is_no_list_and_no_file_says_what_to_do(tmp_path):
    with pytest.raises(AnnotationError, match="nothing can be listed at a web address; name a text file"):
        looked(folder_of("https://a.org/videos/", tmp_path, NOW))


def test_a_source_is_named_without_its_secrets(tmp_path):
    folder = folder_of("https://a.org/all.txt?sig=5ec4e7", tmp_path, NOW)
    assert name_of_source(folder) == "https://a.org/all.txt?..."
    assert name_of_source(tmp_path) == str(tmp_path)
    for path in tmp_path.rglob("*.json"):
        assert path.stat().st_mode & 0o077 == 0  # it holds the whole address


def test_what_a_hostile_tar_is_told_of_is_bounded_also_when_it_is_told_again(tmp_path):
    (tmp_path / "h.tar").write_bytes(tar_of({"a.mp4": b"1"} | {f"../x{number}.mp4": b"" for number in range(250)}))
    folder = folder_of(str(tmp_path / "h.tar"), tmp_path / "data", NOW)
    found, notes = looked(folder)
    assert found == ["h/a.mp4"]
    assert len(notes) == look.MOST_NOTES + 1 and notes[-1] == "and 150 more like these"
    assert looked(folder) == (found, notes)


def test_two_files_of_one_name_are_told_and_the_first_is_taken(tmp_path):
    (tmp_path / "s.parquet").write_bytes(table_of({"mp4": [b"of a table"], "key": ["a"], "text": ["table"]}))
    (tmp_path / "s.tar").write_bytes(tar_of({"a.mp4": b"of a tar", "b.mp4": b"b"}))
    folder = folder_of(str(tmp_path / "s.*"), tmp_path / "data", NOW)
    found, notes = looked(folder)
    assert found == ["s/a.json", "s/a.mp4", "s/b.mp4"] and read_bytes(folder / "s/a.mp4") == b"of a table"
    assert notes == [f"s/a.mp4: is there twice, also in {tmp_path / 's.tar'}; the first one is taken"]


def test_of_two_shards_that_name_one_video_the_text_of_the_first_is_taken_and_the_other_is_told(tmp_path):
    (tmp_path / "v.mp4").write_bytes(b"v")
    for number in range(2):
        rows = {"video": ["v.mp4"], "caption": [f"of shard {number}"]}
        (tmp_path / f"m-{number}.parquet").write_bytes(table_of(rows))
    folder = folder_of(str(tmp_path / "m-*.parquet"), tmp_path / "data", NOW)
    found, notes = looked(folder)
    assert found == ["v.json", "v.mp4"] and json.loads(read_bytes(folder / "v.json")) == {"caption": "of shard 0"}
    assert notes == [f"v.json: is there twice, also in {tmp_path / 'm-1.parquet'}; the first one is taken"]


def test_a_row_whose_text_would_be_that_of_another_video_is_told_and_left_out(tmp_path):
    rows = [{"bytes": name.encode(), "path": name} for name in ("a.mp4", "a.webm", "b.mp4")]
    for name, columns in (("text", {"caption": ["1", "2", "3"]}), ("none", {})):
        (tmp_path / f"{name}.parquet").write_bytes(table_of({"video": rows, **columns}))
    folder = folder_of(str(tmp_path / "text.parquet"), tmp_path / "data", NOW)
    found, (note,) = looked(folder)
    assert found == [f"text/{name}" for name in ("a.json", "a.mp4", "b.json", "b.mp4")]
    assert json.loads(read_bytes(folder / "text/a.json")) == {"caption": "1"}
    assert note.endswith(
        "text.parquet: row 2: 'a.webm' is called like another one, but for the suffix; the first one is taken"
    )
    without = looked(folder_of(str(tmp_path / "none.parquet"), tmp_path / "data", NOW))
    assert without == ([f"none/{name}" for name in ("a.mp4", "a.webm", "b.mp4")], [])


def test_a_manifest_as_videos_tells_what_it_lacks_until_it_is_named_as_captions_too(tmp_path):
    (tmp_path / "v.mp4").write_bytes(b"v")
    rows = {"video": ["v.mp4", "v.mp4"], "start_s": [0.0, 1.0], "grade": [1, 2], "caption": ["one", "two"]}
    (tmp_path / "m.parquet").write_bytes(table_of(rows))
    _, notes = looked(folder_of(str(tmp_path / "m.parquet"), tmp_path / "data", NOW))
    assert notes == [
        f"{tmp_path / 'm.parquet'}: 'start_s', 'grade': read only where the table is named as captions, too",
        f"{tmp_path / 'm.parquet'}: row 2: 'v.mp4' is there twice; the first one is taken; for all its captions, name "
        "the table as captions, too",
    ]
