import errno
import os
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
