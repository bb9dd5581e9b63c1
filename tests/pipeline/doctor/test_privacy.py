from pathlib import Path

import pytest

from pipeline.doctor import privacy
from pipeline.doctor.privacy import shareable

FOLDERS = {Path("/srv/secret/films"): "<data>", Path("/srv/secret"): "<project>"}


@pytest.fixture(autouse=True)
def somebody(monkeypatch):
    monkeypatch.setenv("HOME", "/home/jane")
    monkeypatch.setattr(privacy.getpass, "getuser", lambda: "jane")
    monkeypatch.setattr(privacy.platform, "node", lambda: "doe-laptop")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/srv/secret/films/a/b.mp4: damaged", "<data>/a/b.mp4: damaged"),
        ("in /srv/secret and /srv/secret/films", "in <project> and <data>"),
        ("/srv/secretary", "<path>"),
        ("/home/jane/x y: no", "~/x y: no"),
        ("[Errno 2] No such file: '/mnt/my films/a b'", "[Errno 2] No such file: <path>"),
        ("by jane on doe-laptop, not janet", "by <user> on <host>, not janet"),
        ("https://me:word@example.org/a/b failed", "https://***@example.org/a/b failed"),
        ("/dev/shm has 64 MB, /usr/lib/libcuda.so.1", "/dev/shm has 64 MB, /usr/lib/libcuda.so.1"),
        ("1/2 of them, 3.5 GB/s, and/or", "1/2 of them, 3.5 GB/s, and/or"),
        ("CUDA 12.8, driver 570.86.15", "CUDA 12.8, driver 570.86.15"),
    ],
)
def test_paths_names_and_passwords_are_taken_out_and_all_else_stays(text, expected):
    assert shareable(text, FOLDERS) == expected


def test_names_that_are_everybodys_stay(monkeypatch):
    monkeypatch.setattr(privacy.getpass, "getuser", lambda: "root")
    monkeypatch.setattr(privacy.platform, "node", lambda: "pc")
    assert shareable("root of a pc", {}) == "root of a pc"


def test_a_system_that_does_not_know_its_user_is_no_error(monkeypatch):
    monkeypatch.setattr(privacy.getpass, "getuser", lambda: 1 / 0)
    assert shareable("a text", {}) == "a text"
