"""Where the videos lie that a YAML names."""

from pathlib import Path

import pytest

from pipeline.errors import ConfigError
from pipeline.remote_files.home import Reading, home_of
from pipeline.remote_files.places import file_of, folder_of, is_elsewhere


def test_a_folder_is_itself_and_an_address_has_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("videos.txt").mkdir()  # a folder, whatever it is called
    Path("list.txt").write_text("a.mp4")
    assert [is_elsewhere(name) for name in ("videos", "videos.txt", "list.txt", "s3://box", "https://a.org/l.txt")] == [
        False, False, True, True, True,
    ]  # fmt: skip
    assert folder_of("videos", tmp_path) == Path("videos")
    folders = {folder_of(name, tmp_path) for name in ("list.txt", "s3://box/a", "s3://box/b", "https://a.org/l.txt")}
    assert len(folders) == 4 and all(folder.is_dir() and folder.is_relative_to(tmp_path) for folder in folders)
    assert file_of("captions.csv", tmp_path) == Path("captions.csv")
    assert file_of("s3://box/captions.csv", tmp_path).name == "captions.csv"


def test_the_settings_of_the_reading_are_found_from_the_path_alone(tmp_path):
    folder = folder_of("s3://box/a", tmp_path, Reading(whole_mb=7))
    assert folder_of("s3://box/a", tmp_path) == folder  # without settings: as before
    home, video_id = home_of(folder / "b" / "c.mp4")
    assert (home.source, home.reading.whole_mb, video_id) == ("s3://box/a", 7, "b/c.mp4")
    folder_of("s3://box/a", tmp_path, Reading(whole_mb=8))
    assert home_of(folder / "b" / "c.mp4")[0].reading.whole_mb == 8
    assert home_of(tmp_path / "x.mp4") is None


@pytest.mark.parametrize(
    "address", ["https://me:5ec4e7@a.org/l.txt", "s3://me:5ec4e7@box/a", "https:///l.txt", "s3://"]
)
def test_an_address_with_a_password_or_without_a_host_is_refused_without_telling_it(tmp_path, address):
    with pytest.raises(ConfigError) as raised:
        folder_of(address, tmp_path)
    assert "5ec4e7" not in str(raised.value)
    assert not list(tmp_path.iterdir())


def test_a_pattern_a_tar_and_a_table_are_elsewhere_unless_a_folder_is_called_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.tar").mkdir()
    (tmp_path / "{a,b}").mkdir()
    names = ("*.mp4", "x/s-{0..9}.tar", "x.tar", "t.parquet", "folder.tar", "{a,b}", "videos")
    assert [is_elsewhere(name) for name in names] == [True, True, True, True, False, False, False]
    assert home_of(folder_of("x/*.tar", tmp_path))[0].source == str(tmp_path / "x/*.tar")


def test_a_table_of_videos_may_be_that_of_their_captions_too(tmp_path):
    address = "s3://box/t.parquet"
    file, folder = file_of(address, tmp_path), folder_of(address, tmp_path)
    assert home_of(file)[0].is_file and not home_of(folder)[0].is_file
    assert file.parent.parent != folder and file.name == "t.parquet"
