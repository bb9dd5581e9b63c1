import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.stores import atomic


def test_a_text_file_is_there_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "report.json"
    atomic.write_text(path, "old")

    def full(self, text, encoding):
        with self.open("w") as file:
            file.write(text[:2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        atomic.write_text(path, "new and longer")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path], "nothing half-written stays"


def test_a_file_appears_under_its_name_only_when_it_is_complete(tmp_path):
    path = tmp_path / "new" / "a.bin"
    with atomic.replacing(path) as temporary:
        temporary.write_bytes(b"abc")
        assert (temporary.parent, path.exists()) == (path.parent, False)
        assert temporary.name.startswith(atomic.TEMPORARY)
    assert path.read_bytes() == b"abc"
    with pytest.raises(RuntimeError, match="killed"), atomic.replacing(path) as temporary:
        temporary.write_bytes(b"half")
        raise RuntimeError("killed")
    assert path.read_bytes() == b"abc"
    assert list(path.parent.iterdir()) == [path]


def test_text_of_any_script_is_kept(tmp_path):
    atomic.write_text(tmp_path / "a", "ünï cödé 日本語 🎬\n")
    assert (tmp_path / "a").read_bytes() == "ünï cödé 日本語 🎬\n".encode()


def test_contents_are_flushed_before_the_name_and_the_folder_after(tmp_path, monkeypatch):
    done = []
    fsync, replace = os.fsync, os.replace

    def watched(descriptor):
        done.append(Path(f"/proc/self/fd/{descriptor}").readlink().relative_to(tmp_path).as_posix())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    monkeypatch.setattr(os, "replace", lambda old, new: done.append("renamed") or replace(old, new))
    (tmp_path / "new" / "c").mkdir(parents=True)
    (tmp_path / "new" / "c" / "0").write_bytes(b"x")
    atomic.publish(tmp_path / "new", tmp_path / "part")
    assert done == ["new/c/0", "new/c", "new", "renamed", "."]
    done.clear()
    atomic.write_text(tmp_path / "a", "x")
    assert done[0].endswith("-a")
    assert done[1:] == ["renamed", "."]


def test_what_a_living_process_writes_is_never_abandoned_and_a_dead_one_s_is_after_an_hour(tmp_path):
    mine = atomic.temporary(tmp_path / "x")
    dead = mine.with_name(mine.name.replace(f"_{os.getpid()}_", "_4194305_"))  # above the largest process id of Linux
    for path in (mine, dead):
        (path / "inside").mkdir(parents=True)
        for one in (path / "inside", path):
            os.utime(one, (1, 1))
    assert not atomic.is_abandoned(mine)
    assert atomic.is_abandoned(dead)
    (dead / "inside" / "new").write_bytes(b"x")
    os.utime(dead / "inside", (1, 1))
    assert not atomic.is_abandoned(dead), "the newest date inside counts"


def test_two_processes_are_not_in_one_folder_at_once_and_one_that_dies_leaves_it(tmp_path):
    held = (
        "import sys, time\nfrom pathlib import Path\nfrom pipeline.stores.atomic import exclusive\n"
        "with exclusive(Path(sys.argv[1]), lambda: None):\n    print('in', flush=True)\n    time.sleep(60)\n"
    )
    root = str(Path(atomic.__file__).parents[2])
    with subprocess.Popen([sys.executable, "-c", held, str(tmp_path / "x")], stdout=subprocess.PIPE, cwd=root) as other:
        assert other.stdout.readline() == b"in\n"
        told = []

        def waits():
            told.append("waits")
            other.kill()

        with atomic.exclusive(tmp_path / "x", waits):
            assert told == ["waits"]
    with atomic.exclusive(tmp_path / "x", waits):
        assert told == ["waits"]
