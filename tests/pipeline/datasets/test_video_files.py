import errno
import os
from pathlib import Path
from random import Random

import pytest

from pipeline.datasets.stamps import stamps_of
from pipeline.datasets.video_files import find_videos
from pipeline.errors import AnnotationError
from pipeline.file_kinds import irregular
from pipeline.media.sidecars import sidecars


def ids(root):
    return [found.video_id for found in find_videos(root)]


def test_videos_are_found_at_any_depth_and_named_by_their_path(tmp_path):
    for name in ("b.mp4", "a/clip.mp4", "a/clip.mkv", "b/clip.mp4", "a/deep/er/x.WEBM", "a/notes.txt", "a/clip.srt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert ids(tmp_path) == ["a/clip.mkv", "a/clip.mp4", "a/deep/er/x.WEBM", "b.mp4", "b/clip.mp4"]


def test_hidden_files_and_folders_are_left_out(tmp_path):
    for name in (".hidden.mp4", ".trash/a.mp4", "._a.mp4", "seen.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert ids(tmp_path) == ["seen.mp4"]


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(AnnotationError, match=r"nowhere: no such folder; see 'videos' in the dataset's YAML"):
        find_videos(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(AnnotationError, match="no such folder"):
        find_videos(tmp_path / "file")


def test_an_empty_folder_has_no_videos(tmp_path):
    assert len(find_videos(tmp_path)) == 0


def test_a_link_to_a_folder_is_followed_and_one_that_leads_back_up_ends(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    (disk / "a.mp4").touch()
    root = tmp_path / "root"
    root.mkdir()
    (root / "linked").symlink_to(disk)
    (root / "up").symlink_to(root)
    (disk / "round").symlink_to(root)
    assert ids(root) == ["linked/a.mp4"]


def test_a_link_to_a_file_counts_as_the_file_and_a_dangling_one_is_found(tmp_path):
    (tmp_path / "real.mp4").write_bytes(b"x" * 10)
    (tmp_path / "link.mp4").symlink_to(tmp_path / "real.mp4")
    (tmp_path / "gone.mp4").symlink_to(tmp_path / "nowhere.mp4")
    stamps = {found.video_id: found.stamp for found in find_videos(tmp_path)}
    assert stamps["link.mp4"] == stamps["real.mp4"]
    assert stamps["real.mp4"][0] == 10
    assert stamps["gone.mp4"] == (-1, 0)


def test_a_name_that_is_no_utf8_is_told(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.mp4"))
    path.touch()
    with pytest.raises(AnnotationError, match=r"caf\\udce9\.mp4.*rename"):
        find_videos(tmp_path)


def test_the_subtitle_files_beside_a_video_are_found_by_its_stem(tmp_path):
    for name in ("a.mp4", "a.srt", "a.vtt", "b.mp4", "b.vtt", "c.mp4", "c.en.srt", "a.b.mp4", "a.b.srt"):
        (tmp_path / name).touch()
    beside = {found.video_id: [one.path.name for one in found.sidecars] for found in find_videos(tmp_path)}
    assert beside == {
        "a.mp4": ["a.srt", "a.vtt"],
        "b.mp4": ["b.vtt"],
        "c.mp4": ["c.en.srt"],
        "a.b.mp4": ["a.b.srt"],
    }


def test_what_is_not_followed_is_told(tmp_path):
    (tmp_path / "a.mp4").touch()
    (tmp_path / "up").symlink_to(tmp_path)
    (tmp_path / "disk").symlink_to("/mnt/nowhere")
    (tmp_path / "gone.mp4").symlink_to("nowhere")
    left_out = []
    assert [found.video_id for found in find_videos(tmp_path, left_out)] == ["a.mp4", "gone.mp4"]
    assert [line.partition(":")[0].removeprefix(f"{tmp_path}/") for line in sorted(left_out)] == ["disk", "up"]


def test_a_folder_that_cannot_be_read_is_told_and_not_left_out(tmp_path, monkeypatch):
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "a.mp4").touch()
    (tmp_path / "locked").mkdir()
    opened = os.open

    def locked(path, *more):
        if os.fspath(path).endswith("locked"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
        return opened(path, *more)

    monkeypatch.setattr(os, "open", locked)
    with pytest.raises(AnnotationError, match=r"locked: cannot be read: Permission denied"):
        find_videos(tmp_path)


def mess(root):
    """Files of every kind that the look tells apart; returns the names of the videos."""
    random = Random(5)
    for folder in ("", "a/", "a/b/", "a-b/", "caf\u00e9/"):
        (root / folder).mkdir(exist_ok=True)
        for number in range(40):
            stem = random.choice(["clip", "Clip.x", "cafe\u0301", "one.two", "z"]) + str(number)
            file = root / f"{folder}{stem}{random.choice(['.mp4', '.MKV', '.webm'])}"
            file.write_bytes(b"x" * random.randrange(99))
            tails = random.sample([".srt", ".en.srt", ".VTT", ".de.forced.ass", ".nonsense.srt"], random.randrange(4))
            for tail in tails:
                (root / f"{folder}{stem}{tail}").write_bytes(b"y" * random.randrange(99))
                os.utime(root / f"{folder}{stem}{tail}", ns=(1, random.randrange(10**18)))
            file.chmod(random.choice([0o644, 0o644, 0o600]))
    (root / "z0.srt").unlink(missing_ok=True)
    (root / "dead.mp4").symlink_to("nowhere")
    (root / "clip99.mp4").write_bytes(b"x")
    (root / "clip99.srt").symlink_to("nowhere")
    os.mkfifo(root / "a" / "pipe.mp4")


def test_each_file_has_the_stamps_and_the_subtitles_that_a_look_at_it_alone_finds(tmp_path):
    mess(tmp_path)
    files = find_videos(tmp_path)
    expected = sorted(
        path.relative_to(tmp_path).as_posix()
        for path in tmp_path.rglob("*")
        if path.suffix.lower() in {".mp4", ".mkv", ".webm"} and not path.is_dir()
    )
    assert [*files.ids] == [file.video_id for file in files] == expected
    assert len(files) > 190
    for file, row in zip(files, files.rows(), strict=True):
        stamps = (-1, 0, *stamps_of(file.path)[2:]) if file.irregular else stamps_of(file.path)
        assert row == (file.video_id, *stamps) == (file.video_id, *file.stamps)
        assert list(file.sidecars) == sidecars(file.path)
        assert file.irregular == irregular(file.path)
        modes = [path.stat().st_mode for path in (file.path, *(one.path for one in file.sidecars)) if path.exists()]
        assert file.is_open == (all(mode & 0o444 == 0o444 for mode in modes) and not file.irregular)


def test_a_file_asked_for_by_its_place_is_the_one_that_comes_there_in_turn(tmp_path):
    mess(tmp_path)
    files = find_videos(tmp_path)
    assert files[0] == next(iter(files))
    assert files[-3:] == list(files)[-3:]
    assert len(set(files)) == len(files)


def test_some_of_the_files_are_those_files_as_they_were(tmp_path):
    for name in ("a.mp4", "a.srt", "b.mp4", "c/d.mkv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "b.mp4").chmod(0o600)
    every = find_videos(tmp_path)
    for wanted in ((), ("a.mp4",), ("c/d.mkv", "b.mp4", "gone.mp4"), every.ids):
        some = every.only(wanted)
        assert list(some) == [file for file in every if file.video_id in wanted]
        assert list(some.rows()) == [row for row in every.rows() if row[0] in wanted]
        assert some.closed == every.closed & set(wanted)
