"""A file that browsers do not play is played all the same, from any second."""

import pytest

from search.pages.app import create_app
from tests.search.browser import served
from tests.search.chromium import LONGEST_S
from tests.search.pages import film

pytestmark = [pytest.mark.slow, pytest.mark.timeout(LONGEST_S)]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with served(create_app(film.make(tmp_path_factory.mktemp("film")))) as at:
        yield at


def video(browser, what: str):
    return browser.driver.execute_script(f"const v = document.querySelector('.hit video'); return v && {what}")


def test_an_avi_plays_from_the_moment_that_was_found_and_can_be_sought(browser, address):
    browser.size(1440, 900)
    browser.driver.get(f"{address}/?q=harbor")
    browser.find(".hit .start")[0].click()
    browser.until(lambda: video(browser, "v.currentTime > 21 && v.currentTime < 29 && v.videoWidth === 160"), 60)
    assert video(browser, "v.duration") == pytest.approx(30, abs=0.2)
    assert video(browser, "[...Array(v.buffered.length).keys()].every((i) => v.buffered.start(i) >= 15)")
    browser.picture("play-avi")
    browser.driver.execute_script("document.querySelector('.hit video').currentTime = 3")
    browser.until(lambda: video(browser, "v.currentTime > 3.2 && v.currentTime < 15"), 60)
    assert video(browser, "v.error === null")


def test_a_converted_video_plays_to_its_end(browser, address):
    browser.driver.get(f"{address}/?q=harbor")
    browser.find(".hit .start")[0].click()
    browser.until(lambda: video(browser, "v.currentTime > 21"), 60)
    browser.driver.execute_script("document.querySelector('.hit video').currentTime = 28")
    browser.until(lambda: video(browser, "v.ended"), 60)


def test_what_browsers_play_is_played_as_it_is(browser, address):
    browser.driver.get(f"{address}/?q=bakery")
    browser.find(".hit .start")[0].click()
    browser.until(lambda: video(browser, "v.currentTime > 1"), 30)
    assert "/media/" in video(browser, "v.currentSrc")


def test_the_path_is_told_and_a_clip_and_the_list_can_be_kept(browser, address):
    browser.driver.get(f"{address}/?q=harbor")
    browser.find(".hit .copy")[0].click()
    browser.until(lambda: any(browser.texts(".files [role=status]")))
    assert "from_s=20.0&to_s=30.0" in browser.find(".files a")[0].get_attribute("href")
    browser.size(390, 844)
    browser.picture("files-phone")
