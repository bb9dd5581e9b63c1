"""The small collection, with a network and without."""

import pytest

from search import Collection
from tests.search import small_collection


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Collection:
    root = tmp_path_factory.mktemp("tiny")
    small_collection.make(root)
    small_collection.make_files(root)
    return Collection.open("tiny", root, small_collection.CONFIGS)


@pytest.fixture(scope="session")
def untrained(tmp_path_factory) -> Collection:
    root = tmp_path_factory.mktemp("untrained")
    small_collection.make(root, has_model=False)
    return Collection.open("tiny", root, small_collection.CONFIGS)
