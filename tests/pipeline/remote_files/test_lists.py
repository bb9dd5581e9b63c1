"""Lists of videos: addresses, paths and hashes."""

import hashlib
import subprocess

import pytest

from pipeline.errors import AnnotationError
from pipeline.remote_files.lists import is_list, is_single, read_list


def read(text, source="videos.txt"):
    left_out = []
    return {line.video_id: line for line in read_list(text, source, left_out)}, left_out


def test_the_output_of_sha256sum_is_a_list(tmp_path):
    (tmp_path / "a b.mp4").write_bytes(b"x")
    text = subprocess.run(["sha256sum", "a b.mp4"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    lines, _ = read(text, str(tmp_path / "videos.txt"))
    assert lines["a b.mp4"] == ("a b.mp4", str(tmp_path / "a b.mp4"), hashlib.sha256(b"x").hexdigest())


def test_a_line_may_be_an_address_a_path_or_a_comment(tmp_path):
    hashed = "AB" * 32
    text = f"\ufeff# mine\r\n\r\nhttps://a.org/x.mp4\r\nsha256:{hashed} s3://box/y.mp4\n/elsewhere/z.mp4\n../w.mp4\n"
    lines, left_out = read(text, str(tmp_path / "lists" / "videos.txt"))
    assert lines["a.org/x.mp4"].address == "https://a.org/x.mp4"
    assert lines["box/y.mp4"].sha256 == hashed.lower()
    assert lines["elsewhere/z.mp4"].address == "/elsewhere/z.mp4"
    assert lines[str(tmp_path / "w.mp4").lstrip("/")].address == str(tmp_path / "w.mp4")
    assert not left_out


def test_names_in_a_remote_list_are_relative_to_it_and_never_to_this_machine():
    lines, _ = read("b/x.mp4\n/etc/passwd\n", "https://a.org/lists/all.txt")
    assert [line.address for line in lines.values()] == ["https://a.org/lists/b/x.mp4", "https://a.org/etc/passwd"]
    lines, left_out = read("x.mp4\n../../etc/passwd\nfile:///etc/passwd\n", "s3://box/lists/all.txt")
    _, more = read("x.mp4\nfile:///etc/passwd\nFILE:/etc/passwd\nftp://a.org/x\n", "https://a.org/all.txt")
    assert len(more) == 3
    assert [line.address for line in lines.values()] == ["s3://box/lists/x.mp4"]
    assert len(left_out) == 2


def test_what_stands_there_twice_or_can_be_no_file_is_told():
    lines, left_out = read(
        "https://a.org/x\nhttp://a.org/x\nhttps://a.org/x\nhttps://a.org/%2e%2e/x\nhttps://a.org/%00\n"
    )
    assert list(lines) == ["a.org/x"]
    assert len(left_out) == 3 and left_out[0].startswith("line 2 ")


def test_an_empty_list_is_an_error():
    with pytest.raises(AnnotationError, match="no address"):
        read("# nothing\n")


def test_lists_and_single_files_are_told_by_their_suffix():
    assert is_list("a/b.txt") and is_list("https://a.org/b.TXT?sig=1") and not is_list("s3://box/prefix")
    assert is_single("https://a.org/x.mp4?a=1")
    assert all(map(is_single, ("s3://box/captions.csv", "s3://box/manifest.parquet", "s3://box/a.jsonl")))
    assert not is_single("s3://box/x.mp4") and not is_single("https://a.org/folder/")


def test_a_question_mark_is_a_part_of_the_path_of_a_list_and_ends_the_address_of_one():
    assert is_list("/home/is it?/videos.txt") and not is_list("/home/videos.txt?/a")
    assert is_list("https://a.org/videos.txt?sig=1") and not is_list("https://a.org/x?y=/videos.txt")
