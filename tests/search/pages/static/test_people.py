import pytest

from search.pages.app import create_app
from search.people import names
from tests.search import small_collection
from tests.search.browser import served
from tests.search.chromium import LONGEST_S
from tests.search.pages.static.conftest import _fresh
from tests.search.pages.static.search_page import ask, press, titles

pytestmark = [pytest.mark.slow, pytest.mark.timeout(LONGEST_S)]


@pytest.fixture
def page(browser, planted_root):
    names.delete(planted_root / "store" / "index" / "tiny" / names.FILE)
    with served(create_app(small_collection.opened(planted_root))) as at:
        yield from _fresh(browser, at)


def switched_on(page) -> None:
    page.click(".people-open")
    page.click("#people .switch-on")
    page.find("#people .face", 3, seconds=60)  # the first clustering loads a library


def name(page, place: int, text: str) -> None:
    field = page.find("#people input")[place]
    field.clear()
    field.send_keys(text + "\n")
    titles = "return [...document.querySelectorAll('#people .face')].map((one) => one.title)"
    page.until(lambda: f"Find {text}" in page.driver.execute_script(titles), 30)


def test_people_are_off_and_what_switching_on_means_is_said(page):
    page.click(".people-open")
    page.find("#people .switch-on")
    assert "leaves the machine" in page.texts("#people p")[0]
    assert not page.driver.find_elements("css selector", "#people .face")
    for width, height in ((1440, 900), (390, 844)):
        page.size(width, height)
        page.picture(f"people-off-{width}")
        assert page.driver.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    press(page, "\ue00c")  # Escape
    page.until(lambda: not page.driver.execute_script("return document.querySelector('#people').open"))


def test_a_person_is_named_and_found(page, planted_root):
    switched_on(page)
    name(page, 0, "Ann <i>")
    page.until(lambda: page.find("#people .face")[0].get_attribute("aria-label") == "Find Ann <i>")
    for width, height in ((1440, 900), (390, 844)):
        page.size(width, height)
        page.picture(f"people-named-{width}")
    page.size(1440, 900)
    page.click("#people .face")
    page.until(lambda: sorted(titles(page)) == ["clip0.mp4", "clip1.mp4", "clip3.mp4"])
    assert page.driver.execute_script("return document.querySelector('#query').value") == "who: Ann <i>"
    page.picture("people-found")
    ask(page, "who: ann <i> on a beach")
    page.until(lambda: sorted(titles(page)) == ["clip0.mp4", "clip1.mp4", "clip3.mp4"])


def test_a_person_without_a_name_is_found_by_the_face(page):
    switched_on(page)
    page.click("#people .face", at=2)
    page.until(lambda: "%40face" in page.driver.current_url)
    page.until(lambda: titles(page)[:1] == ["clip3.mp4"])


def test_one_button_deletes_all_of_it(page, planted_root):
    switched_on(page)
    name(page, 1, "Bob")
    file = planted_root / "store" / "index" / "tiny" / names.FILE
    assert "Bob" in file.read_text()
    page.driver.execute_script("window.confirm = () => true")
    page.click("#people .actions button", at=-1)
    page.find("#people .switch-on")
    assert not file.exists()


def test_keys_in_the_dialog_are_not_keys_of_the_list(page):
    switched_on(page)
    page.find("#people .face")[0].send_keys("m")
    assert page.driver.execute_script("return document.querySelector('#people').open")
