import hashlib
import os

import pytest

from pipeline.weights.ledger import NAME, Ledger

PLACE, ADDRESS = "me/net.pth", "http://a/net.pth"


@pytest.fixture
def path(tmp_path):
    """A file of the cache, written long ago."""
    path = tmp_path / PLACE
    path.parent.mkdir()
    path.write_bytes(b"one")
    os.utime(path, (1e9, 1e9))
    return path


def look(folder):
    """As a run looks: what it finds is remembered for the next."""
    ledger = Ledger(folder)
    entry = ledger.look(PLACE, ADDRESS)
    if entry:
        ledger.remember(PLACE, entry)
    return entry


def sha256_of(data):
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("writable", [True, False])
def test_a_file_is_read_once_and_again_when_it_is_replaced(tmp_path, path, monkeypatch, writable):
    """By a file of the same size and time too, as `cp -p` makes it; and where the cache is read-only."""

    def refuse(*arguments):
        raise PermissionError

    if not writable:
        monkeypatch.setattr("pipeline.weights.ledger.write_text", refuse)
    opened = []
    real = type(path).open
    monkeypatch.setattr(type(path), "open", lambda self, *a, **k: opened.append(self) or real(self, *a, **k))
    for _ in range(3):
        assert look(tmp_path).sha256 == sha256_of(b"one")
    assert opened.count(path) == 1
    assert look(tmp_path).md5 == hashlib.md5(b"one").hexdigest()
    other = tmp_path / "other"
    other.write_bytes(b"two")
    os.utime(other, (1e9, 1e9))
    other.replace(path)
    assert look(tmp_path).sha256 == sha256_of(b"two")


def test_a_file_that_was_written_just_now_is_read_again(tmp_path, path):
    """A second write of the same length may get the same time, since clocks of file systems tick every few ms."""
    path.write_bytes(b"one")
    time_ns = path.stat().st_mtime_ns
    look(tmp_path)
    path.write_bytes(b"two")
    os.utime(path, ns=(time_ns, time_ns))
    assert look(tmp_path).sha256 == sha256_of(b"two")


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"me/net.pth": {"sha256": "x"}}', '{"me/net.pth": 3}'])
def test_a_damaged_ledger_costs_a_second_look_and_nothing_else(tmp_path, path, damage):
    (tmp_path / NAME).write_text(damage)
    assert look(tmp_path).sha256 == sha256_of(b"one")
    assert Ledger(tmp_path).remembered(PLACE).sha256 == sha256_of(b"one")


def test_a_file_that_is_gone_is_remembered_and_not_found(tmp_path, path):
    look(tmp_path)
    path.unlink()
    assert look(tmp_path) is None
    assert Ledger(tmp_path).remembered(PLACE).sha256 == sha256_of(b"one")
