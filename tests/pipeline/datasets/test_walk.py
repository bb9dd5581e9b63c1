import errno
import os

import pytest

from pipeline.datasets.walk import MAX_PATHS, NO_SIZE, Folder, note_dead_link, walk
from pipeline.errors import AnnotationError
from pipeline.file_kinds import irregular


def records(root, left_out=None):
    return [found for folder in walk(root, [] if left_out is None else left_out) for found in folder]


def names(root, left_out=None):
    return sorted(found.name for found in records(root, left_out) if not found.is_folder)


def make(root, *files):
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_the_files_are_those_that_pathlib_finds_but_for_hidden_ones(tmp_path):
    make(tmp_path, "a.mp4", "b/c.mp4", "b/d/e/f.mp4", ".hidden", ".folder/g.mp4", "b/.h")
    found = (path for path in tmp_path.rglob("[!.]*") if path.is_file() and ".folder" not in path.parts)
    assert names(tmp_path) == sorted(path.relative_to(tmp_path).as_posix() for path in found)


def test_two_links_to_one_folder_are_both_walked(tmp_path):
    make(tmp_path, "disk/deep/a.mp4", "root/b.mp4")
    for link in ("one", "two"):
        (tmp_path / "root" / link).symlink_to(tmp_path / "disk")
    left_out = []
    assert names(tmp_path / "root", left_out) == ["b.mp4", "one/deep/a.mp4", "two/deep/a.mp4"]
    assert left_out == []


def test_a_link_to_a_folder_that_it_lies_in_is_cut_and_told(tmp_path):
    make(tmp_path, "disk/a.mp4", "root/b.mp4")
    (tmp_path / "root" / "up").symlink_to(tmp_path / "root")
    (tmp_path / "root" / "linked").symlink_to(tmp_path / "disk")
    (tmp_path / "disk" / "round").symlink_to(tmp_path / "root")
    left_out = []
    assert names(tmp_path / "root", left_out) == ["b.mp4", "linked/a.mp4"]
    assert sorted(line.partition(":")[0] for line in left_out) == [
        f"{tmp_path}/root/linked/round", f"{tmp_path}/root/up",
    ]  # fmt: skip


def test_folders_that_all_link_to_one_another_end_and_the_cut_is_told(tmp_path):
    folders = [tmp_path / f"f{number}" for number in range(9)]
    for folder in folders:
        make(folder, "a.mp4")
    for folder in folders:
        for other in folders:
            if other != folder:
                (folder / other.name).symlink_to(other)
    left_out = []
    found = names(tmp_path, left_out)
    assert len(found) <= MAX_PATHS * len(folders), "of 9 factorial"
    assert {f"f{number}/a.mp4" for number in range(9)} <= set(found)
    assert any(f"more than {MAX_PATHS} links" in line for line in left_out)


def test_what_only_has_the_place_of_a_file_is_listed_and_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "self.mp4").symlink_to("self.mp4")
    (tmp_path / "gone.mp4").symlink_to("nowhere")
    assert names(tmp_path) == ["gone.mp4", "pipe.mp4", "self.mp4"]


def test_a_record_says_what_the_system_says_of_a_file_and_why_it_must_not_be_opened(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.mp4").write_bytes(b"12345")
    os.utime(tmp_path / "sub" / "a.mp4", ns=(1, 1_700_000_000_123_456_789))
    (tmp_path / "sub" / "link.mp4").symlink_to("a.mp4")
    (tmp_path / "again").symlink_to("sub")
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "gone.mp4").symlink_to("nowhere")
    found = {one.name: one for one in records(tmp_path)}
    for name in ("sub/a.mp4", "sub/link.mp4", "again/a.mp4"):
        assert found[name][1:] == (5, 1_700_000_000_123_456_789, "", False, True)
    assert all(found[name].is_folder and found[name].kind for name in ("sub", "again"))
    others = {name: found[name].kind for name in ("sub", "again", "pipe.mp4", "gone.mp4")}
    assert others == {name: irregular(tmp_path / name) for name in others}
    assert {found[name].size for name in others} == {NO_SIZE}
    for mode in (0o400, 0o040, 0o004, 0o440):
        (tmp_path / "sub" / "a.mp4").chmod(mode)
        assert not any(one.is_open for one in records(tmp_path / "sub"))


def test_a_link_to_a_disk_that_is_not_there_is_told(tmp_path):
    (tmp_path / "disk").symlink_to("/mnt/nowhere")
    (tmp_path / "file").touch()
    left_out = []
    for name in ("disk", "file"):
        note_dead_link(tmp_path / name, left_out)
    assert left_out == [
        f"{tmp_path}/disk: a link to /mnt/nowhere, which is not there; what may be behind it is left out"
    ]


def test_a_folder_that_cannot_be_read_is_told(tmp_path, monkeypatch):
    def locked(path, *more):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))

    monkeypatch.setattr(os, "open", locked)
    with pytest.raises(AnnotationError, match="cannot be read: Permission denied"):
        names(tmp_path)


def test_a_folder_parts_its_files_and_takes_them_back(tmp_path):
    make(tmp_path, "a.mp4", "b.txt", "c.mp4")
    (tmp_path / "gone.mp4").symlink_to("nowhere")
    (whole,) = walk(tmp_path, [])
    videos = [name.endswith(".mp4") for name in whole.names]
    chosen = whole.only(videos, lambda found: True)
    assert sorted(chosen.bases()) == ["a.mp4", "c.mp4", "gone.mp4"]
    chosen.add(whole.only([not flag for flag in videos], lambda found: False))
    again = Folder("")
    for found in whole:
        again.append(found)
    assert set(chosen) == set(again) == set(whole)
