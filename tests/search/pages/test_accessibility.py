"""Nothing on any page keeps people from using it, in the light and in the dark, on a desk and on a phone."""

from collections.abc import Callable

import pytest

from pipeline.reports.report import write_report
from search.pages.app import create_app
from tests.pipeline.reports.made_report import make_report
from tests.search.accessibility import violations
from tests.search.browser import Browser, served
from tests.search.chromium import LONGEST_S

pytestmark = [pytest.mark.slow, pytest.mark.timeout(LONGEST_S)]
WIDTHS = {"desk": (1440, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def untrained_address(untrained):
    with served(create_app(untrained)) as at:
        yield at


@pytest.fixture(params=[f"{name} {light}" for name in WIDTHS for light in ("light", "dark")])
def shown(request, browser) -> Callable[[str, str], Browser]:
    """Opens an address in each size and colour scheme, and waits for what matches a selector."""

    def show(address: str, css: str) -> Browser:
        name, light = request.param.split()
        browser.size(*WIDTHS[name], dark=light == "dark")
        browser.driver.get(address)
        browser.find(css)
        browser.picture(f"accessible-{request.node.originalname.removeprefix('test_')}-{name}-{light}")
        return browser

    return show


def test_what_is_wrong_is_found_and_named(browser, tmp_path):
    page = tmp_path / "wrong.html"
    page.write_text(
        "<!doctype html><html lang=en><title>Wrong</title><h1>Pale</h1><p id=pale style='color: #bbb'>pale</p>"
        "<img src=x><button></button>"
    )
    browser.driver.get(page.as_uri())
    found = violations(browser)
    assert sorted(one.split("(")[0] for one in found) == [
        "critical button-name: button ",
        "critical image-alt: img ",
        "serious color-contrast: #pale ",
    ]
    browser.complaints()


def test_the_page_before_a_query(shown, address):
    assert violations(shown(address, "#empty h1")) == []


def test_the_page_with_results(shown, address):
    assert violations(shown(f"{address}/?q=water", ".hit")) == []


def test_the_page_with_results_in_a_list_and_all_filters(shown, address):
    page = shown(f"{address}/?q=water&view=list", ".hit")
    page.driver.execute_script("for (const one of document.querySelectorAll('details')) one.open = true")
    assert violations(page) == []


def test_the_page_of_a_likeness(shown, address, tiny):
    assert violations(shown(f"{address}/?similar={tiny.entry('kitchen.mp4').key}", ".hit")) == []


def test_the_page_without_results(shown, untrained_address):
    page = shown(f"{untrained_address}/?q=nowhere", "#empty h1")
    page.until(lambda: page.texts("#empty h1") == ["Nothing found"])
    assert violations(page) == []


def test_the_api_page(shown, address):
    assert violations(shown(f"{address}/docs", ".operation")) == []


def test_the_rankings(shown, folder):
    assert violations(shown((folder / "rankings.html").as_uri(), ".query")) == []


def test_the_rankings_by_video(shown, folder):
    assert violations(shown(f"{(folder / 'rankings.html').as_uri()}#direction=v2t", ".said")) == []


def test_the_report(shown, tmp_path):
    failures = [{"video": "b.mp4", "expert": "rgb_light", "reason": "the file is empty"}]
    notes = {"total": 1, "kinds": [{"kind": "short", "videos": 1}], "videos": []}
    write_report(tmp_path, make_report(failures=failures, notes=notes))
    page = shown((tmp_path / "report.html").as_uri(), "table")
    page.driver.execute_script("for (const one of document.querySelectorAll('details')) one.open = true")
    assert violations(page) == []
    width = page.driver.execute_script("return document.documentElement.scrollWidth - innerWidth")
    assert width <= 0, "only tables and plots scroll sideways"


def test_the_page_of_a_collection(shown, address):
    page = shown(f"{address}/collection", "h1")
    page.find("h2", 2)
    assert violations(page) == []
