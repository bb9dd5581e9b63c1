import pytest

from tests.models.zero_shot.labelled import labelled_stores


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Sources with two classifiers and a text-aligned expert, what is in their stores, and the vector of each text."""
    return labelled_stores(tmp_path_factory.mktemp("labelled"))
