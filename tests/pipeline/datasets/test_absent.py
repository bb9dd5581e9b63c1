import os

import pytest

from pipeline.datasets.absent import why_missing
from pipeline.datasets.manifest import MISSING
from pipeline.datasets.names import Names


@pytest.fixture
def root(tmp_path):
    (tmp_path / "folder.mp4" / "deep").mkdir(parents=True)
    (tmp_path / "dead").symlink_to("/mnt/nowhere")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    (tmp_path / ".hidden.mp4").touch()
    (tmp_path / "e\u0301t\u0301.mp4").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("folder.mp4", "a folder, not a file"),
        ("./folder.MP4", "a folder, not a file"),
        ("folder.mp4\\deep", "a folder, not a file"),
        ("dead", "a link to /mnt/nowhere, which is not there"),
        ("dead/a.mp4", "dead: a link to /mnt/nowhere, which is not there"),
        ("file/a.mp4", "file: a file, not a folder"),
        ("pipe", "a named pipe, not a file"),
        (".hidden.mp4", "a hidden file, which is left out; rename it"),
        ("ét\u0301.mp4", "a folder, not a file"),
        ("nothing.mp4", MISSING),
        ("../folder.mp4", MISSING),
        ("/etc", MISSING),
        ("", MISSING),
        ("a\0b", MISSING),
        ("x" * 300, MISSING),
    ],
)
def test_what_is_there_is_told(root, name, why):
    assert why_missing(root, name, Names([])) == why


def test_a_name_of_several_is_told_with_them(root):
    assert why_missing(root, "x", Names(["a/x.mp4", "b/x.mp4"])) == (
        "may be any of a/x.mp4, b/x.mp4: say which, with folder and suffix"
    )
