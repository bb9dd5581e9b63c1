"""A browser, and the search page of the small collection and of one with many videos."""

import pytest

from search.pages.app import create_app
from tests.search import small_collection
from tests.search.browser import Browser, served
from tests.search.small_collection import Clip

NUM_BOATS = 60


@pytest.fixture(scope="session")
def boats(tmp_path_factory):
    """The address of a page over videos in each of which somebody says "boat"; every second has a sign too."""
    root = tmp_path_factory.mktemp("boats")
    clips = [
        Clip(f"boat_{at:02}.mp4", sign={"PIER": 1.0} if at % 2 else {}, speech={"boat": 0.5}, duration_s=2.0)
        for at in range(NUM_BOATS)
    ]
    small_collection.make(root, clips, has_model=False)
    small_collection.make_files(root, clips)
    with served(create_app(small_collection.opened(root))) as at:
        yield at


@pytest.fixture
def page(browser, address) -> Browser:
    """The search page before a query; nothing may be complained about in its console."""
    yield from _fresh(browser, address)


@pytest.fixture
def boat_page(browser, boats) -> Browser:
    """The page over many videos before a query."""
    yield from _fresh(browser, boats)


def _fresh(browser: Browser, address: str):
    browser.size(1440, 900)
    browser.driver.get(address)
    browser.find("#empty h1")
    browser.complaints()
    yield browser
    assert browser.complaints() == []
