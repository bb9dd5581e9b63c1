import os
import shutil
import time

import pytest

from pipeline.doctor import folders

USAGE = type(shutil.disk_usage("/"))


def found(path):
    return list(folders.folder("store", path))


@pytest.fixture
def free(monkeypatch):
    """Sets how many bytes are free."""
    return lambda num: monkeypatch.setattr(folders.shutil, "disk_usage", lambda path: USAGE(1e12, 0, num))


@pytest.mark.parametrize(("num_bytes", "state"), [(5e8, "fault"), (5e9, "note"), (5e10, "ok")])
def test_little_space_is_told_with_what_to_do(tmp_path, free, num_bytes, state):
    free(num_bytes)
    (finding,) = found(tmp_path)
    assert finding.state == state
    assert f"{num_bytes / 1e9:.1f} GB free of 1000.0 GB" in finding.found
    assert bool(finding.advice) is (state != "ok")


def test_nothing_is_left_behind_and_nothing_made(tmp_path, free):
    free(5e10)
    (finding,) = found(tmp_path / "not" / "there")
    assert finding.found.startswith("not there yet; ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "advice"), [(30, "mount it for writing"), (13, "permissions"), (5, "dmesg")])
def test_a_folder_that_cannot_be_written_is_a_fault(tmp_path, free, monkeypatch, number, advice):
    free(5e10)

    def refuse(self, *rest, **more):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(type(tmp_path), "open", refuse)
    fault = next(finding for finding in found(tmp_path) if finding.state == "fault")
    assert fault.found == f"cannot be written: {os.strerror(number)}"
    assert advice in fault.advice


def test_a_disk_without_locks_and_one_without_inodes_are_told(tmp_path, free, monkeypatch):
    import fcntl

    free(5e10)

    def refuse(descriptor, kind):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    real = os.statvfs(tmp_path)
    monkeypatch.setattr(folders.os, "statvfs", lambda path: os.statvfs_result([*real[:5], 1000, 7, 7, *real[8:10]]))
    told = {finding.state: finding for finding in found(tmp_path)}
    assert "No locks available" in told["note"].found
    assert told["fault"].found == "7 files can still be made (inodes)"


def test_a_link_that_leads_nowhere_and_a_file_in_place_of_a_folder_are_faults(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "unmounted")
    (tmp_path / "file").touch()
    assert [finding.state for name in ("link", "file") for finding in found(tmp_path / name)] == ["fault", "fault"]


def test_a_clock_that_is_behind_is_told_by_files_from_the_future(tmp_path):
    now_s = time.time()
    path = tmp_path / "rgb.yaml"
    path.touch()
    (fine,) = folders.clock([tmp_path, tmp_path / "luigi.cfg"])
    assert fine.state == "ok"
    (finding,) = folders.clock([tmp_path], now_s - 400 * 24 * 3600)
    assert finding.state == "note"
    assert str(path) in finding.found
    os.utime(path, (now_s, now_s + 3600))
    assert next(folders.clock([tmp_path])).state == "ok", "an hour: another time zone"
