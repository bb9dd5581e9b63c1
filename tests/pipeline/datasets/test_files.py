import hashlib
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from pipeline.datasets import files, stamps
from pipeline.datasets.files import FileInfo, cached_infos, inspect_files
from pipeline.datasets.stamps import CHANGED
from pipeline.datasets.video_files import find_videos
from pipeline.errors import StoreError
from tests.clips import make_clip, write_srt

DEADLINE_S = 60.0


def inspect(root, cache, **more):
    return inspect_files(find_videos(root), cache, 1, DEADLINE_S, **more)


def content_of(*paths):
    """The formula: sha256 over the sha256s of the video and of what lies beside it."""
    digests = "+".join(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)
    return hashlib.sha256(digests.encode()).hexdigest()[:32]


def test_what_is_in_a_file_is_told_by_its_content(tmp_path, clip):
    shutil.copy(clip, tmp_path / "a.mp4")
    shutil.copy(clip, tmp_path / "same.mp4")
    shutil.copy(clip, tmp_path / "spoken.mp4")
    write_srt(tmp_path / "spoken.srt", [("hi", 0, 1)])
    (tmp_path / "text.mp4").write_text("not a video")
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "gone.mp4").symlink_to(tmp_path / "nowhere.mp4")
    (tmp_path / "folder.mp4").mkdir()
    facts = inspect(tmp_path, tmp_path / "cache.sqlite")
    assert facts["a.mp4"] == FileInfo(content_of(clip), pytest.approx(2.0, abs=0.05), True, True, False)
    assert facts["same.mp4"] == facts["a.mp4"]
    assert facts["spoken.mp4"].has_subtitles
    assert facts["spoken.mp4"].content == content_of(clip, tmp_path / "spoken.srt") != facts["a.mp4"].content
    assert facts["text.mp4"].problem == "text.mp4: Invalid data found when processing input: a text file, not a video"
    assert facts["text.mp4"].content == content_of(tmp_path / "text.mp4")
    assert facts["empty.mp4"].problem == "empty.mp4: the file is empty"
    assert facts["gone.mp4"].problem.endswith("nowhere.mp4, which is not there")
    assert "folder.mp4" not in facts


def test_what_is_no_regular_file_is_told_at_once_and_never_opened(tmp_path, clip, monkeypatch):
    root = tmp_path / "videos"
    root.mkdir()
    os.mkfifo(root / "pipe.mp4")
    (root / "device.mp4").symlink_to("/dev/zero")
    (root / "self.mp4").symlink_to("self.mp4")
    monkeypatch.setattr(files, "run_jobs", lambda function, jobs, *_, **__: iter(() if not jobs else 1 / 0))
    facts = inspect(root, tmp_path / "cache.sqlite")
    assert {name: info.problem for name, info in facts.items()} == {
        "device.mp4": "a link to a device, not a file",
        "pipe.mp4": "a named pipe, not a file",
        "self.mp4": "a link that leads back to itself",
    }
    assert len({info.content for info in facts.values()}) == 3
    assert inspect(root, tmp_path / "cache.sqlite") == facts


def test_a_pipe_that_takes_the_place_of_a_listed_file_is_not_opened(tmp_path, clip, no_workers):
    shutil.copy(clip, tmp_path / "a.mp4")
    listed = find_videos(tmp_path)
    (tmp_path / "a.mp4").unlink()
    os.mkfifo(tmp_path / "a.mp4")
    facts = inspect_files(listed, tmp_path / "cache.sqlite", 1, DEADLINE_S)
    assert facts["a.mp4"].problem == "a named pipe, not a file"


def test_a_pipe_in_the_place_of_subtitles_is_left_out_and_told(tmp_path, clip, no_workers):
    root = tmp_path / "videos"
    root.mkdir()
    shutil.copy(clip, root / "a.mp4")
    alone = inspect(root, tmp_path / "cache.sqlite")["a.mp4"]
    os.mkfifo(root / "a.srt")
    found = inspect(root, tmp_path / "cache.sqlite")["a.mp4"]
    assert found.note == "a.srt: a named pipe, not a file; left out"
    assert (found.content, found.has_subtitles, found.problem) == (alone.content, False, "")


def test_an_unchanged_file_is_not_read_again(tmp_path, clip, no_workers, monkeypatch):
    root, cache = tmp_path / "videos", tmp_path / "deep" / "cache.sqlite"
    root.mkdir()
    for name in ("a.mp4", "b.mp4"):
        shutil.copy(clip, root / name)
    read = []
    sha256 = stamps.file_sha256
    monkeypatch.setattr(stamps, "file_sha256", lambda path: read.append(path.name) or sha256(path))
    calls = []
    first = inspect(root, cache, progress=lambda done, of: calls.append((done, of)))
    assert (read, calls) == (["a.mp4", "b.mp4"], [(1, 2), (2, 2)])
    read.clear()
    assert inspect(root, cache) == first
    assert read == []
    os.utime(root / "a.mp4", ns=(1, 1))
    make_clip(root / "c.mp4", seconds=0.2)
    assert inspect(root, cache).keys() == {"a.mp4", "b.mp4", "c.mp4"}
    assert read == ["a.mp4", "c.mp4"]


def test_a_subtitle_file_that_comes_goes_or_changes_is_seen(tmp_path, clip, no_workers):
    root, cache = tmp_path / "videos", tmp_path / "cache.sqlite"
    root.mkdir()
    shutil.copy(clip, root / "a.mp4")
    contents = [inspect(root, cache)["a.mp4"].content]
    write_srt(root / "a.srt", [("hi", 0, 1)])
    contents.append(inspect(root, cache)["a.mp4"].content)
    write_srt(root / "a.srt", [("hello", 0, 1)])
    contents.append(inspect(root, cache)["a.mp4"].content)
    (root / "a.srt").unlink()
    assert inspect(root, cache)["a.mp4"].content == contents[0]
    assert len(set(contents)) == 3


def test_remembered_reads_no_file(tmp_path, clip, no_workers, monkeypatch):
    root, cache = tmp_path / "videos", tmp_path / "cache.sqlite"
    root.mkdir()
    shutil.copy(clip, root / "a.mp4")
    assert cached_infos(find_videos(root), cache) == {}
    facts = inspect(root, cache)
    shutil.copy(clip, root / "b.mp4")
    monkeypatch.setattr(stamps, "file_sha256", None)
    assert cached_infos(find_videos(root), cache) == facts


def test_a_file_is_remembered_by_where_it_lies_not_by_the_working_folder(tmp_path, clip, no_workers, monkeypatch):
    for folder in ("one", "two"):
        (tmp_path / folder / "videos").mkdir(parents=True)
    shutil.copy(clip, tmp_path / "one" / "videos" / "a.mp4")
    make_clip(tmp_path / "two" / "videos" / "a.mp4", seconds=0.2)
    contents = []
    for folder in ("one", "two"):
        monkeypatch.chdir(tmp_path / folder)
        contents.append(inspect(Path("videos"), tmp_path / "cache.sqlite")["a.mp4"].content)
    assert contents == [content_of(tmp_path / folder / "videos" / "a.mp4") for folder in ("one", "two")]


@pytest.mark.parametrize("content", [b"not a database" * 100, b"SQLite format 3\0" + b"\xff" * 2000])
def test_a_damaged_cache_is_told_and_what_to_do(tmp_path, clip, content):
    shutil.copy(clip, tmp_path / "a.mp4")
    cache = tmp_path / "cache.sqlite"
    cache.write_bytes(content)
    with pytest.raises(StoreError, match=r"cache\.sqlite: damaged: .*only a cache"):
        inspect(tmp_path, cache)


def test_a_cache_that_a_newer_version_wrote_is_read_anew(tmp_path, clip, no_workers):
    root, cache = tmp_path / "videos", tmp_path / "cache.sqlite"
    root.mkdir()
    shutil.copy(clip, root / "a.mp4")
    first = inspect(root, cache)
    with sqlite3.connect(cache) as database:
        database.execute("UPDATE files SET facts = ?", ('{"content": "x", "colour": "red"}',))
    database.close()
    assert inspect(root, cache) == first


def test_a_file_that_kills_or_hangs_its_worker_costs_only_itself(tmp_path, clip, monkeypatch):
    """The pool is replaced by one whose worker dies on one file, as a decoder with a bug would."""
    from pipeline.running.worker_pool import Done, Failure

    shutil.copy(clip, tmp_path / "a.mp4")
    (tmp_path / "killer.mp4").write_bytes(clip.read_bytes() + b"!")

    def run(function, jobs, workers, deadline_s, again):
        for job in jobs:
            if job.file.video_id == "killer.mp4":
                second = again(job)
                assert again(second) is None
                yield Done(second, function(second), None)
            else:
                yield Done(job, function(job), None)

    monkeypatch.setattr(files, "run_jobs", run)
    facts = inspect(tmp_path, tmp_path / "cache.sqlite")
    assert facts["killer.mp4"].problem == "looking into the file crashed or hung the decoder"
    assert facts["killer.mp4"].content == content_of(tmp_path / "killer.mp4")
    assert facts["a.mp4"].problem == ""

    def run_twice_dead(function, jobs, workers, deadline_s, again):
        return (Done(job, None, Failure("gave up after 60 s", died=True)) for job in jobs)

    monkeypatch.setattr(files, "run_jobs", run_twice_dead)
    facts = inspect(tmp_path, tmp_path / "another.sqlite")
    assert {seen.problem for seen in facts.values()} == {"gave up after 60 s"}
    assert len({seen.content for seen in facts.values()}) == 2
    assert cached_infos(find_videos(tmp_path), tmp_path / "another.sqlite") == {}, "a hang may be the machine's"


def test_a_bug_of_a_decoder_costs_only_its_file(tmp_path, clip, no_workers, monkeypatch):
    import pipeline.media.video

    shutil.copy(clip, tmp_path / "a.mp4")

    def broken(path):
        raise IndexError("list index out of range")

    monkeypatch.setattr(pipeline.media.video, "probe", broken)
    assert inspect(tmp_path, tmp_path / "cache.sqlite")["a.mp4"].problem == "IndexError: list index out of range"


def test_a_file_that_grows_while_it_is_looked_into_is_told_and_taken_up_the_next_time(
    tmp_path, clip, no_workers, monkeypatch
):
    """As one that is still being copied: its hash may already be that of the whole, under the stamp of a half."""
    path = tmp_path / "videos" / "a.mp4"
    path.parent.mkdir()
    whole = clip.read_bytes()
    path.write_bytes(whole[:1000])
    listed = find_videos(path.parent)
    path.write_bytes(whole)
    info = inspect_files(listed, tmp_path / "cache.db", 1, DEADLINE_S)["a.mp4"]
    assert info.problem == CHANGED
    assert info.content != content_of(path)
    again = inspect(path.parent, tmp_path / "cache.db")["a.mp4"]
    assert (again.problem, again.content) == ("", content_of(path))


@pytest.mark.parametrize(
    ("count", "size", "number"), [(1, 10, 1), (15, 10, 1), (16, 10, 2), (100, 10, 4), (2, 600 << 20, 4)]
)
def test_workers_are_as_many_as_the_files_are_worth(tmp_path, monkeypatch, clip, count, size, number):
    used = []
    monkeypatch.setattr(files, "run_jobs", lambda *args, **more: used.append(args[2].number) or [])
    for place in range(count):
        with (tmp_path / f"{place}.mp4").open("wb") as file:
            file.truncate(size)
    inspect_files(find_videos(tmp_path), tmp_path / "cache.sqlite", 4, DEADLINE_S)
    assert used == [number]
