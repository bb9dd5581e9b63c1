"""Nothing keeps people from using the search page, in each of its forms, in the light and in the dark."""

import pytest

from search.index.folder import key_of
from tests.search.accessibility import violations
from tests.search.chromium import LONGEST_S

pytestmark = [pytest.mark.slow, pytest.mark.timeout(LONGEST_S)]
SIZES = ((1440, 900), (390, 844))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", SIZES, ids=["desk", "phone"])
@pytest.mark.parametrize(
    "query", ["q=water+zebra", "q=water+zebra&view=list", f"similar={key_of('harbour.mp4')}", "q=quantum&has=face"]
)
def test_nothing_serious_is_wrong_with(page, address, query, size, dark):
    page.size(*size, dark=dark)
    page.driver.get(f"{address}/?{query}")
    page.find(".hit, #empty h1")
    page.driver.execute_script("document.querySelectorAll('.hit .words').forEach((one) => one.click())")
    assert violations(page) == []
    page.complaints()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nothing_serious_is_wrong_with_a_hit_that_is_open(page, address, dark):
    page.size(1440, 900, dark=dark)
    page.driver.get(f"{address}/?q=water")
    page.find(".hit")
    page.click(".hit:first-child .toggle")
    page.click(".hit:first-child .words")
    page.find(".hit:first-child .more h3")
    assert violations(page) == []
