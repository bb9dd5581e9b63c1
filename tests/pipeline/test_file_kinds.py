import os
import socket

import pytest

from pipeline.file_kinds import irregular


def test_a_file_a_link_to_one_and_what_is_not_there_are_left_to_be_opened(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    assert [irregular(tmp_path / name) for name in ("file", "link", "nothing")] == ["", "", ""]


def test_what_is_no_file_is_told_without_being_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the name of a socket has a maximum length
    os.mkfifo("pipe")
    (tmp_path / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        kinds = {name: irregular(tmp_path / name) for name in ("pipe", "folder", "socket")}
    assert kinds == {
        "pipe": "a named pipe, not a file",
        "folder": "a folder, not a file",
        "socket": "a socket, not a file",
    }


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("/dev/zero", "a link to a device, not a file"),
        ("pipe", "a link to a named pipe, not a file"),
        ("nowhere", "a link to nowhere, which is not there"),
        ("link", "a link that leads back to itself"),
    ],
)
def test_a_link_is_as_good_as_what_it_leads_to(tmp_path, target, reason):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(target)
    assert irregular(tmp_path / "link") == reason
