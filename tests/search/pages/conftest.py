"""The ranked clips, made once; for a file of tests a browser, and the address of the small collection's page."""

import os
from pathlib import Path

import pytest

from search.pages.app import create_app
from search.pages.rankings import Ranked
from tests.search.browser import open_browser, served
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


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A browser; its screenshots go to the folder SCREENSHOTS, where that is set, to be kept."""
    kept = os.environ.get("SCREENSHOTS")
    pictures = Path(kept) if kept else tmp_path_factory.mktemp("screenshots")
    pictures.mkdir(parents=True, exist_ok=True)
    with open_browser(pictures) as opened:
        yield opened


@pytest.fixture(scope="module")
def address(tiny):
    with served(create_app(tiny)) as at:
        yield at
