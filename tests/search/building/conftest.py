"""An index builder on empty folders."""

import pytest

from tests.search.building.index_builder import IndexBuilder


@pytest.fixture
def builder(tmp_path) -> IndexBuilder:
    return IndexBuilder(tmp_path)
