from pathlib import Path

import pytest

from search.index.video_path import NOWHERE, path_of


@pytest.mark.parametrize("video_id", ["a.mp4", "deep/down/a.mp4", "..a.mp4", "a..", "Ünïcode ☂/x y.mkv", "-x.mp4"])
def test_a_name_below_the_folder_is_that_file(video_id, tmp_path):
    assert path_of(tmp_path, video_id) == tmp_path / video_id


@pytest.mark.parametrize(
    "video_id",
    [
        "..",
        "../a.mp4",
        "a/../../b.mp4",
        "a/..",
        "/etc/passwd",
        "//host/a",
        "",
        ".",
        "..\\a.mp4",
        "C:\\a.mp4",
        "C:a",
        "a\0b",
    ],
)
def test_an_id_that_leads_out_leads_nowhere(video_id, tmp_path):
    folder = tmp_path / "videos"
    folder.mkdir()
    for name in ("a.mp4", "b.mp4", "a"):
        (tmp_path / name).write_bytes(b"secret")
    found = path_of(folder, video_id)
    assert found == folder / NOWHERE
    assert not found.exists()


def test_a_link_is_followed_as_the_walk_of_a_dataset_does(tmp_path):
    from pipeline.datasets.walk import walk

    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "a.mp4").write_bytes(b"a")
    videos = tmp_path / "videos"
    videos.mkdir()
    (videos / "more").symlink_to(tmp_path / "disk")
    (name,) = [found.name for folder in walk(videos, []) for found in folder if not found.is_folder]
    assert path_of(videos, name).read_bytes() == b"a"


def test_a_relative_folder_stays_one():
    assert path_of(Path("videos"), "a.mp4") == Path("videos/a.mp4")
