"""The small collection, with a network and without."""

import dataclasses

import pytest

from models.networks.ce import CE
from models.training import checkpoint
from search import Collection
from search.people import names
from tests.search import example_collection, small_collection


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Collection:
    root = tmp_path_factory.mktemp("tiny")
    small_collection.make(root)
    small_collection.make_files(root)
    return small_collection.opened(root)


@pytest.fixture(scope="session")
def untrained(tmp_path_factory) -> Collection:
    root = tmp_path_factory.mktemp("untrained")
    small_collection.make(root, has_model=False)
    return small_collection.opened(root)


@pytest.fixture
def concatenating(tmp_path):
    """Sources, and the folder of a network that makes one vector of all experts, by concatenation."""
    sources, folder = small_collection.trained(tmp_path, small_collection.CLIPS)
    settings = checkpoint.load_model(folder).settings
    network = CE(sources.experts, sources.text, dataclasses.replace(settings, gating="concat"))
    checkpoint.write(folder / checkpoint.MODEL, network.state_dict(), {"model": checkpoint.describe(network)})
    return sources, folder


@pytest.fixture(scope="session")
def planted_root(tmp_path_factory):
    """The folder of the collection of `example_collection`; to be read only."""
    root = tmp_path_factory.mktemp("planted")
    example_collection.make(root)
    return root


@pytest.fixture
def planted(planted_root) -> Collection:
    """The planted collection; people are off when a test begins."""
    names.delete(planted_root / "store" / "index" / "tiny" / names.FILE)
    return small_collection.opened(planted_root)
