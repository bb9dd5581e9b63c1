import pytest

from tests.pipeline.features.stored import Stored
from tests.pipeline.hosts import hosts

__all__ = ["hosts"]


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """A project, in a folder of which is worked."""
    stored = Stored(tmp_path / "project")
    (tmp_path / "project" / "notes").mkdir()
    monkeypatch.chdir(tmp_path / "project" / "notes")
    return stored
