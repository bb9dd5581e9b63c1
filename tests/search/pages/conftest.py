"""The ranked clips, made once."""

from pathlib import Path

import pytest

from search.pages.rankings import Ranked
from tests.search.pages import ranked_clips


@pytest.fixture(scope="session")
def page_and_ranked(tmp_path_factory) -> tuple[Path, Ranked]:
    return ranked_clips.make(tmp_path_factory.mktemp("rankings"))


@pytest.fixture
def ranked(page_and_ranked) -> Ranked:
    return page_and_ranked[1]


@pytest.fixture
def folder(page_and_ranked) -> Path:
    """Where the page of rankings is."""
    return page_and_ranked[0]
