"""Hosts with mirrors of their own that share one object storage, which is a memory of obstore's own."""

from pathlib import Path

import pytest
from obstore.store import MemoryStore

from pipeline.remote import objects
from pipeline.remote.objects import Objects
from pipeline.stores import object_listing, places

ADDRESS = "s3://bucket/results"


class Hosts:
    """Makes hosts, and looks at what lies in the storage."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.objects = Objects(ADDRESS)

    def store(self, host: str) -> Path:
        """The store of a host, as a process sees it that has just started."""
        object_listing.listing_of.cache_clear()
        return places.store_folder(ADDRESS, self._folder / host)

    @property
    def keys(self) -> list[str]:
        return sorted(found.key for found in self.objects.found())


@pytest.fixture
def hosts(tmp_path, monkeypatch):
    memory = MemoryStore()
    monkeypatch.setattr(objects, "client", lambda address: memory)
    places._mirror.cache_clear()
    yield Hosts(tmp_path)
    object_listing.listing_of.cache_clear()
