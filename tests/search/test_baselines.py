"""A network with one vector for all experts: it cannot be searched, and its rankings are shown without shares."""

import dataclasses

import pytest

from models.networks.ce import CE
from models.training import checkpoint
from pipeline.errors import ConfigError
from search.building import build
from search.config import IndexSettings
from search.pages import rankings
from tests.search import small_collection


@pytest.fixture
def made(tmp_path):
    """Sources, and the folder of a network that concatenates the experts."""
    sources, folder = small_collection.trained(tmp_path, small_collection.CLIPS)
    settings = checkpoint.load_model(folder).settings
    network = CE(sources.experts, sources.text, dataclasses.replace(settings, gating="concat"))
    checkpoint.write(folder / checkpoint.MODEL, network.state_dict(), {"model": checkpoint.describe(network)})
    return sources, folder


def test_no_index_is_made_of_it(made, tmp_path):
    with pytest.raises(ConfigError, match=r"a search index needs a vector of each expert.*gating: concat makes one"):
        build.build_index(
            small_collection.ingredients(tmp_path, *made), IndexSettings(2.0, 200_000), tmp_path / "index", {}
        )


def test_its_rankings_have_one_share_for_all_experts(made, tmp_path):
    ranked = rankings.rank(*made, "test", frozenset(), tmp_path / "words.sqlite")
    assert ranked.experts == ("all experts",)
    for query in rankings.caption_queries(ranked):
        assert query["right"]["shares"] == [pytest.approx(query["right"]["score"], abs=1e-3)]
