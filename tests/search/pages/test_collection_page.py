"""The page of a collection: by its API, and in a browser."""

from urllib.parse import urljoin

import pytest
from fastapi.testclient import TestClient

from search.index import overview
from search.index.overview import OfExpert, Overview, Reason
from search.pages.app import create_app
from search.pages.collection_page import Served
from search.pages.serving import several
from tests.search import small_collection
from tests.search.accessibility import violations
from tests.search.browser import served
from tests.search.chromium import LONGEST_S
from tests.search.small_collection import HOSTILE


@pytest.fixture(scope="module")
def troubled(tmp_path_factory):
    """A collection of which an expert has not all videos, and one is left out."""
    root = tmp_path_factory.mktemp("troubled")
    index = small_collection.make(root)
    small_collection.make_files(root)
    collection = small_collection.opened(root)
    told = overview.read(index)
    failed = OfExpert(2, 1, 2, (Reason(f"{HOSTILE}: too dark", 2, ("kitchen.mp4", HOSTILE)),))
    left_out = (Reason("Invalid data found when processing input", 1, ("broken.mp4",)),)
    overview.write(index, Overview(told.experts | {"ocr_light": failed}, left_out))
    return collection


@pytest.fixture(scope="module")
def client(tiny) -> TestClient:
    return TestClient(create_app(tiny), base_url="http://127.0.0.1")


def test_the_overview_tells_what_each_expert_has(client, tiny):
    told = client.get("/api/overview").json()
    assert (told["dataset"], told["num_videos"], told["trained"], told["tells_why"]) == ("tiny", 6, True, True)
    assert told["total_s"] == pytest.approx(sum(clip.duration_s for clip in small_collection.CLIPS))
    assert told["splits"] == {"test": 5, "val": 1}
    experts = {one["name"]: (one["present"], one["absent"], one["failed"]) for one in told["experts"]}
    spoken = sum(bool(clip.speech) for clip in small_collection.CLIPS)
    assert experts["speech_light"] == (spoken, 6 - spoken, 0)
    assert experts["rgb_light"] == (6, 0, 0)
    assert all(one["has_map"] for one in told["experts"])


def test_an_index_of_before_is_told(tmp_path):
    index = small_collection.make(tmp_path)
    client = TestClient(create_app(small_collection.opened(tmp_path)), base_url="http://127.0.0.1")
    (index / overview.FILE).unlink()
    told = client.get("/api/overview").json()
    assert (told["tells_why"], told["experts"][0]["absent"]) == (False, None)


def test_a_map_of_an_expert_that_there_is_not_is_refused(client):
    assert client.get("/api/map/none").status_code == 404
    assert client.get("/api/map/..%2f..%2fvideos").status_code == 404


def test_neighbours_are_named_by_addresses_that_lead_there(tiny, untrained):
    names = ("tiny", "other")
    app = several({name: create_app(tiny, served=Served(siblings=names)) for name in names})
    client = TestClient(app, base_url="http://127.0.0.1")
    for page in ("/", "/c/tiny/"):
        told = client.get(f"{page}api/collections").json()
        assert [(one["name"], one["is_this"]) for one in told] == [("tiny", True), ("other", False)]
        assert urljoin(page, told[1]["address"]) == "/c/other/"
        assert client.get(urljoin(page, told[1]["address"]) + "api/collection").status_code == 200
    assert client.get("/c/other", follow_redirects=True).url.path == "/c/other/"
    assert client.get("/c/none/api/collection").status_code == 404


@pytest.fixture(scope="module")
def address(troubled):
    names = ("tiny", "second")
    with served(several({name: create_app(troubled, served=Served(siblings=names)) for name in names})) as at:
        yield at


def dots(browser):
    """The number of colours on the map: more than one where dots are drawn."""
    return browser.driver.execute_script(
        "const c = document.getElementById('dots'); if (!c.width) return 0;"
        "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "return new Set([...d].filter((_, i) => i % 4 === 3)).size"
    )


@pytest.mark.slow
@pytest.mark.timeout(LONGEST_S)
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_the_page_tells_what_is_there_and_what_failed_as_text(browser, address, width, height):
    browser.size(width, height)
    browser.driver.get(f"{address}/c/tiny/collection")
    browser.find(".expert", 3)
    assert "2 of 6 videos; nothing there in 1; 2 failed" in browser.texts(".expert .count")
    assert any(HOSTILE in text for text in browser.texts(".why li"))
    assert "broken.mp4" in browser.texts("#reasons")[0]
    browser.until(lambda: dots(browser) > 1, 60)
    assert browser.driver.execute_script("return document.documentElement.scrollWidth") <= width
    browser.picture(f"collection-{width}")
    assert [told for told in browser.complaints() if "getImageData" not in told] == []  # which is called by this test


@pytest.mark.slow
@pytest.mark.timeout(LONGEST_S)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nothing_keeps_people_from_using_the_page(browser, address, dark):
    browser.size(1440, 900, dark=dark)
    browser.driver.get(f"{address}/c/tiny/collection")
    browser.until(lambda: dots(browser) > 1, 60)
    assert violations(browser) == []
    browser.driver.execute_script("document.getElementById('spot').click()")
    browser.find("dialog video")
    assert violations(browser) == []
    browser.picture(f"collection-{'dark' if dark else 'light'}")


@pytest.mark.slow
@pytest.mark.timeout(LONGEST_S)
def test_the_map_shows_stills_on_focus_and_on_hover_and_plays(browser, address):
    from selenium.webdriver import ActionChains, Keys

    browser.size(1440, 900)
    browser.driver.get(f"{address}/c/tiny/collection")
    browser.until(lambda: dots(browser) > 1, 60)
    browser.driver.execute_script(
        "document.getElementById('map').scrollIntoView({block: 'center'}); document.getElementById('spot').focus()"
    )
    first = browser.find("#card figcaption")[0].text
    browser.until(
        lambda: browser.driver.execute_script("return document.querySelector('#card img')?.naturalWidth > 0"), 60
    )
    seen = {first}
    for key in (Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.ARROW_LEFT, Keys.ARROW_UP):
        ActionChains(browser.driver).send_keys(key).perform()
        seen.add(browser.find("#card figcaption")[0].text)
    assert len(seen) > 1
    browser.picture("map-focus")
    ActionChains(browser.driver).send_keys(Keys.ENTER).perform()
    browser.find("dialog video")
    assert browser.texts("dialog h2")[0] in seen
    browser.until(
        lambda: browser.driver.execute_script("return document.querySelector('dialog video').currentTime > 0.2"), 30
    )
    browser.picture("map-player")
    ActionChains(browser.driver).send_keys(Keys.ESCAPE).perform()
    browser.until(lambda: not browser.texts("dialog h2"))
    spot = browser.driver.find_element("id", "spot")
    browser.driver.execute_script("arguments[0].blur()", spot)
    browser.until(lambda: browser.driver.execute_script("return document.getElementById('card').hidden"))
    ActionChains(browser.driver).move_to_element(spot).perform()
    browser.find("#card figcaption")
    browser.picture("map-hover")


@pytest.mark.slow
@pytest.mark.timeout(LONGEST_S)
def test_another_collection_is_chosen_at_the_top(browser, address):
    browser.driver.get(f"{address}/?q=water")
    choice = browser.find("select.choice")[0]
    assert choice.text.split() == ["tiny", "second"]
    browser.driver.execute_script("arguments[0].value = 'c/second/'; arguments[0].onchange()", choice)
    browser.until(lambda: browser.driver.current_url.endswith("/c/second/"))
    browser.find("select.choice")
    browser.picture("choice")
