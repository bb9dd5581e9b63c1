import pytest
from obstore.store import MemoryStore

from pipeline.remote import objects
from pipeline.remote.objects import Objects


@pytest.fixture
def stored(monkeypatch):
    """Objects over a memory of obstore's own, in place of a server."""
    store = MemoryStore()
    monkeypatch.setattr(objects, "client", lambda address: store)
    return Objects("s3://bucket/results")
