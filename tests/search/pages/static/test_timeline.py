import pytest

from tests.search.chromium import LONGEST_S
from tests.search.pages.static.search_page import ask, press, titles

pytestmark = [pytest.mark.slow, pytest.mark.timeout(LONGEST_S)]
NAMES = "return [...document.querySelectorAll('.hit:first-child .mark')].map((one) => one.ariaLabel)"


@pytest.fixture
def opened(page):
    """The time line of the first hit, which says and shows what was asked for."""
    ask(page, "lighthouse water")
    page.until(lambda: titles(page)[:1] == ["harbour.mp4"])
    page.click(".hit:first-child .toggle")
    page.find(".hit:first-child .timeline")
    return page


def test_each_expert_has_a_lane_in_its_colour_with_its_moments_where_they_are(opened):
    names = opened.driver.execute_script(NAMES)
    assert any(name.startswith("Words on screen: “LIGHTHOUSE” at 0:04") for name in names)
    assert any(name.startswith("Words spoken: “water” at 0:01") for name in names)
    place = """
        const mark = [...document.querySelectorAll(".hit:first-child .mark.of-words")].find((one) => one.ariaLabel.includes("LIGHTHOUSE"));
        const [inner, outer] = [mark.getBoundingClientRect(), mark.parentElement.getBoundingClientRect()];
        const legend = document.querySelector("label[for=weight-ocr_light] .dot");
        return [(inner.left - outer.left) / outer.width, getComputedStyle(mark).backgroundColor, getComputedStyle(legend).backgroundColor];
    """  # noqa: E501
    share, colour, of_expert = opened.driver.execute_script(place)
    assert share == pytest.approx(4.0 / 6.0, abs=0.02)  # the word is there from the fourth of six seconds on
    assert colour == of_expert
    for width, height in ((1440, 900), (768, 1024), (390, 844)):
        opened.size(width, height)
        opened.driver.execute_script("document.querySelector('.timeline').scrollIntoView({ block: 'center' })")
        opened.picture(f"timeline-{width}")
        assert opened.driver.execute_script("return document.documentElement.scrollWidth") <= width


def test_a_click_plays_from_there(opened):
    (mark,) = [one for one in opened.find(".hit:first-child .mark.of-words") if "LIGHTHOUSE" in one.accessible_name]
    mark.click()
    now = "return document.querySelector('.hit:first-child video')?.currentTime"
    opened.until(lambda: (opened.driver.execute_script(now) or 0) >= 4.0)


def test_the_keyboard_walks_it_reads_it_and_plays_from_there(opened):
    from selenium.webdriver import Keys

    opened.driver.execute_script("document.querySelector('.hit:first-child .mark').focus()")
    names = opened.driver.execute_script(NAMES)
    at = next(index for index, name in enumerate(names) if "“water”" in name)
    press(opened, *[Keys.ARROW_RIGHT] * at)
    assert opened.driver.execute_script("return document.activeElement.ariaLabel") == names[at]
    assert opened.texts(".hit:first-child .told") == [names[at].removesuffix(". Play")]
    press(opened, Keys.ENTER)
    now = "return document.querySelector('.hit:first-child video')?.currentTime"
    opened.until(lambda: (opened.driver.execute_script(now) or 0) >= 1.4)
    assert opened.driver.execute_script(now) < 4.0
