import pytest

from pipeline.stores.local_place import LocalPlace


def test_a_folder_appears_whole_and_replaces_only_where_it_may(tmp_path):
    place, path = LocalPlace(tmp_path), tmp_path / "result"
    for number in range(2):
        written = tmp_path / "written"
        written.mkdir()
        (written / f"{number}").write_text("x")
        place.publish(written, path, replace=bool(number))
        assert [file.name for file in path.iterdir()] == [str(number)]
        assert not written.exists()
    (tmp_path / "written").mkdir()
    with pytest.raises(OSError, match="not empty"):
        place.publish(tmp_path / "written", path)


def test_removing_takes_files_and_folders_and_what_is_not_there(tmp_path):
    place = LocalPlace(tmp_path)
    (tmp_path / "folder" / "below").mkdir(parents=True)
    (tmp_path / "file").write_text("x")
    for name in ("folder", "file", "nowhere"):
        place.remove(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_sizes_are_those_of_the_files(tmp_path):
    place = LocalPlace(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_bytes(b"12345")
    (tmp_path / "a" / "y").write_bytes(b"123")
    assert place.size_bytes(tmp_path / "a" / "x") == 5
    assert place.total_bytes(tmp_path / "a") == 8
    assert place.total_bytes(tmp_path / "a" / "y") == 3
    with pytest.raises(FileNotFoundError):
        place.size_bytes(tmp_path / "nowhere")


def test_on_a_disk_there_is_nothing_to_fetch_share_or_compare(tmp_path):
    place = LocalPlace(tmp_path)
    place.refresh()
    place.fetch([tmp_path / "x"])
    place.share([tmp_path / "x"])
    assert (place.is_remote, place.remains(), place.has_same_bytes(tmp_path)) == (False, [], True)
