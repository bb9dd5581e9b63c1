from types import SimpleNamespace

import pytest

from pipeline.errors import ConfigError, PipelineError
from search.people.switch import switch


@pytest.fixture
def place(planted_root, planted):
    return SimpleNamespace(store=planted_root / "store")


def test_people_are_switched_on_and_off_and_deleted(place, planted):
    assert "are on" in switch(place, "tiny", "on")
    planted.people.name(0, "Ann")
    assert str(planted.people.file) in switch(place, "tiny", "off")
    assert planted.people.file.exists()
    assert "deleted" in switch(place, "tiny", "delete")
    assert not planted.people.file.exists()


def test_a_damaged_file_can_be_deleted(place, planted):
    planted.people.file.write_text("{")
    switch(place, "tiny", "delete")
    assert not planted.people.file.exists()


def test_without_an_index_names_can_still_be_deleted(tmp_path):
    place = SimpleNamespace(store=tmp_path)
    with pytest.raises(PipelineError, match="no index"):
        switch(place, "tiny", "on")
    with pytest.raises(PipelineError, match="no index"):
        switch(place, "tiny", "delete")
    (tmp_path / "index" / "tiny").mkdir(parents=True)
    (tmp_path / "index" / "tiny" / "people.json").write_text("{}")
    assert "deleted" in switch(place, "tiny", "delete")
    assert list((tmp_path / "index" / "tiny").iterdir()) == []


def test_without_an_expert_that_sees_faces_it_says_so(tiny):
    root = tiny.people.file.parents[2]
    with pytest.raises(ConfigError, match="sees faces"):
        switch(SimpleNamespace(store=root), "tiny", "on")
