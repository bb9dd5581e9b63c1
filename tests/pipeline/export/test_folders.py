import json

import pytest

from pipeline.errors import ConfigError
from pipeline.export.folders import MARK, replacing_folder


def write(path, text, **facts):
    with replacing_folder(path, facts) as folder:
        (folder / "file").write_text(text)
        assert not path.is_dir() or not (path / "file").exists() or (path / "file").read_text() != text


def test_it_appears_whole_with_what_it_is_of(tmp_path):
    write(tmp_path / "new" / "out", "first", expert="a")
    assert (tmp_path / "new" / "out" / "file").read_text() == "first"
    assert json.loads((tmp_path / "new" / "out" / MARK).read_text()) == {"expert": "a"}


def test_an_older_export_and_an_empty_folder_are_replaced_as_a_whole(tmp_path):
    (tmp_path / "out").mkdir()
    write(tmp_path / "out", "first")
    (tmp_path / "out" / "left").touch()
    write(tmp_path / "out", "second")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"file", MARK}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_fails_half_way_leaves_the_older_one(tmp_path):
    write(tmp_path / "out", "first")
    with pytest.raises(OSError, match="gone"), replacing_folder(tmp_path / "out", {}) as folder:
        (folder / "file").write_text("half")
        raise OSError("the disk is gone")
    assert (tmp_path / "out" / "file").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("is_file", [True, False])
def test_what_is_no_export_is_never_touched(tmp_path, is_file):
    mine = tmp_path / "mine" if is_file else tmp_path / "mine" / "thesis.tex"
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("my work")
    with pytest.raises(ConfigError, match=r"^[^\n]*it is no export[^\n]*$"):
        write(tmp_path / "mine", "first")
    assert mine.read_text() == "my work"
