import pytest

from search.index.folder import key_of
from tests.search.chromium import LONGEST_S
from tests.search.pages.static.search_page import ask, titles

pytestmark = [pytest.mark.slow, pytest.mark.timeout(LONGEST_S)]


@pytest.fixture
def alike(page, address):
    """The videos like one that has no speech."""
    page.driver.get(f"{address}/?similar={key_of('street.mp4')}")
    page.find(".source .shares")
    return page


def amounts(page) -> dict[str, str]:
    """Expert -> what it adds; empty while the card is drawn anew."""
    rows = """
        const rows = document.querySelectorAll('.source .shares > div');
        return [...rows].map((row) => [...row.children].map((one) => one.textContent));
    """
    return {name: amount for name, _, amount in page.driver.execute_script(rows)}


def test_the_source_stays_on_top_and_says_what_the_likeness_is_made_of(alike):
    assert alike.texts("h1#asked") == ["Like street.mp4"]
    assert alike.texts(".source h2") == ["street.mp4"]
    assert "street.mp4" not in titles(alike)
    assert set(amounts(alike)) == {"Words on screen", "Look", "Words spoken"}
    assert amounts(alike)["Words spoken"] == "none"  # nobody speaks in it
    for width, height, dark in ((1440, 900, False), (768, 1024, False), (390, 844, False), (1440, 900, True)):
        alike.size(width, height, dark)
        alike.picture(f"source-{width}{'-dark' if dark else ''}")


def test_the_sliders_act_on_the_likeness(alike):
    before = amounts(alike)["Words on screen"]
    slider = alike.find("input[name=ocr_light]")[0]
    alike.driver.execute_script("arguments[0].value = 0; arguments[0].dispatchEvent(new Event('input'))", slider)
    alike.until(lambda: amounts(alike).get("Words on screen", before) != before)
    assert float(amounts(alike)["Words on screen"].replace("−", "-")) == 0.0
    assert "weight=ocr_light%3A0" in alike.driver.current_url
    assert alike.texts(".source h2") == ["street.mp4"]


def test_closing_it_leads_to_where_one_came_from_or_to_the_beginning(alike):
    alike.click(".source .leave")  # who came by a link
    alike.until(lambda: alike.texts("#empty h1") == ["Find the moment"])
    ask(alike, "pasta")
    alike.click(".hit:first-child .similar")
    alike.until(lambda: alike.texts(".source h2") == ["kitchen.mp4"])
    alike.click(".source .leave")
    alike.until(lambda: alike.texts("#asked") == ["Results for “pasta”"] and titles(alike)[:1] == ["kitchen.mp4"])
