import stat

import numpy as np
import pytest

from pipeline.errors import ConfigError, StoreError
from search.people import names
from search.people.names import Kept, Named, checked, matched


def named(name: str, *face: float) -> Named:
    return Named(name, "face", "0" * 12, face)


def test_what_is_written_is_read_back_and_only_the_owner_can_read_it(tmp_path):
    path = tmp_path / "store" / names.FILE
    kept = Kept(True, (named("Ann", 1.0, 0.0), named("Žofie <b>", 0.0, 1.0)))
    names.write(path, kept)
    assert names.read(path) == kept
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == [names.FILE], "nothing temporary is left"


def test_without_a_file_people_are_off_and_deleting_twice_does_no_harm(tmp_path):
    path = tmp_path / names.FILE
    assert names.read(path) == Kept(False, ())
    names.write(path, Kept(True))
    names.delete(path)
    names.delete(path)
    assert not path.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"is_on": 3}', '{"people": [{"name": "x"}]}'])
def test_a_damaged_file_is_one_line_and_stays(tmp_path, text):
    path = tmp_path / names.FILE
    path.write_text(text)
    with pytest.raises(StoreError) as raised:
        names.read(path)
    assert "\n" not in str(raised.value)
    assert path.read_text() == text


def test_a_name_is_one_line_without_control_characters():
    assert checked("  Ann \t Lee\n") == "Ann Lee"
    assert checked(" \n ") == ""
    for bad in ("x" * 81, "a\x00b", "a\u202eb"):
        with pytest.raises(ConfigError, match="80 letters"):
            checked(bad)


def test_clusters_get_the_nearest_names_each_once():
    centres = np.array([[1, 0, 0], [0.6, 0.8, 0], [0, 0, 1]], np.float32)
    people = [named("Bob", 0.8, 0.6, 0.0), named("Ann", 1.0, 0.0, 0.0)]
    assert matched(centres, people, 0.55) == {0: 1, 1: 0}, "Bob is near both, and Ann nearer to the first"
    assert matched(centres, people[:1], 0.55) == {1: 0}
    assert matched(centres, people, 0.97) == {0: 1}
    assert matched(centres, [], 0.5) == matched(centres[:0], people, 0.5) == {}
