"""The controls beside the list: whether the best are put in order word by word."""

import pytest

from search.pages.app import create_app
from tests.search import small_collection
from tests.search.browser import served
from tests.search.chromium import LONGEST_S
from tests.search.pages.static.search_page import ask
from tests.search.small_collection import CLIPS, CONFIGS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(LONGEST_S)]


@pytest.fixture(scope="module")
def towered(tmp_path_factory):
    """The address of a page over a collection with a text tower: the encoder of words stands for one of signs."""
    root = tmp_path_factory.mktemp("towered")
    towers = {"ocr_light": CONFIGS / "text" / "words_hashed.yaml"}
    small_collection.make(root, CLIPS, has_model=False, towers=towers)
    small_collection.make_files(root)
    with served(create_app(small_collection.opened(root))) as at:
        yield at


def is_ticked(page):
    return page.driver.execute_script("return document.getElementById('late').checked")


def test_a_box_orders_the_best_word_by_word_and_is_in_the_address(browser, towered):
    browser.size(1440, 900)
    browser.driver.get(towered)
    ask(browser, "lighthouse")
    assert not is_ticked(browser)
    assert not any("tokens" in one for one in browser.texts(".weighed"))
    browser.click("#second-stage label")
    browser.until(lambda: any("tokens" in one for one in browser.texts(".weighed")))
    assert "second_stage=late_interaction" in browser.driver.current_url
    for width, dark in ((1440, False), (390, True)):
        browser.size(width, 844, dark)
        browser.picture(f"second-stage-{width}{'-dark' if dark else ''}")
    browser.size(1440, 900)
    browser.driver.refresh()
    browser.until(lambda: any("tokens" in one for one in browser.texts(".weighed")))
    assert is_ticked(browser)
    browser.click("#second-stage label")
    browser.until(lambda: not any("tokens" in one for one in browser.texts(".weighed")))
    assert "second_stage" not in browser.driver.current_url
    assert browser.complaints() == []


def test_without_a_text_tower_there_is_no_such_choice_and_a_link_that_asks_for_it_can_be_mended(page, address):
    assert not page.driver.execute_script("return document.getElementById('second-stage').checkVisibility()")
    page.driver.get(f"{address}/?second_stage=late_interaction&q=lighthouse")
    page.until(lambda: page.texts("#empty h1") == ["That did not work"])
    assert page.texts("#empty p")[0].startswith("'late_interaction' is not a second stage of tiny")
    page.complaints()  # the browser tells of the answer 422
    page.click("#empty button")
    page.find(".hit")
    assert "second_stage" not in page.driver.current_url
