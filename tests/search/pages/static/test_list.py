import pytest

from tests.search.chromium import LONGEST_S
from tests.search.pages.static.conftest import NUM_BOATS
from tests.search.pages.static.search_page import ask, focused, hits_in_sight, press, titles

pytestmark = [pytest.mark.slow, pytest.mark.timeout(LONGEST_S)]


def many_asked(page):
    ask(page, "boat")
    page.until(lambda: len(titles(page)) == 24)


def show_more(page):
    (button,) = page.find("#more")
    page.driver.execute_script("arguments[0].scrollIntoView({ block: 'center' })", button)
    button.click()


def test_the_true_count_is_told_and_more_is_shown_on_demand(boat_page):
    many_asked(boat_page)
    assert boat_page.texts("#status")[0].startswith(f"{NUM_BOATS} videos fit; 1-24 shown.")
    show_more(boat_page)
    boat_page.until(lambda: len(titles(boat_page)) == 48)
    assert "k=48" in boat_page.driver.current_url
    assert focused(boat_page, ".hit:nth-child(25)")
    assert boat_page.texts("#more") == ["Show 12 more"]
    show_more(boat_page)
    boat_page.until(lambda: len(titles(boat_page)) == NUM_BOATS)
    assert not boat_page.driver.execute_script("return document.getElementById('more').checkVisibility()")
    assert len(set(titles(boat_page))) == NUM_BOATS
    assert boat_page.texts("#status")[0].startswith(f"{NUM_BOATS} videos fit; 1-{NUM_BOATS} shown.")


def test_a_filter_lowers_the_count(boat_page):
    many_asked(boat_page)
    boat_page.click("#has label", at=1)  # with text
    boat_page.until(lambda: boat_page.texts("#status")[0].startswith(f"{NUM_BOATS // 2} videos fit"))


@pytest.mark.parametrize("how", ["reload", "link", "back"])
def test_the_same_list_is_there_after(boat_page, how):
    driver = boat_page.driver
    many_asked(boat_page)
    show_more(boat_page)
    boat_page.until(lambda: len(titles(boat_page)) == 48)
    slide = "const one = arguments[0]; one.value = 2; one.dispatchEvent(new Event('input'))"
    driver.execute_script(slide, boat_page.find("input[name=speech_light]")[0])
    boat_page.until(lambda: len(titles(boat_page)) == 24)
    show_more(boat_page)
    boat_page.until(lambda: len(titles(boat_page)) == 48)
    before, address = titles(boat_page), driver.current_url
    assert "weight=speech_light%3A2" in address
    driver.execute_script("scrollTo(0, 700)")
    boat_page.until(lambda: driver.execute_script("return history.state?.y") == 700)
    if how == "reload":
        driver.refresh()
    elif how == "link":
        driver.get("about:blank")
        driver.get(address)
    else:
        driver.execute_script("scrollTo(0, 0)")
        boat_page.until(lambda: driver.execute_script("return history.state?.y") == 0)
        driver.execute_script("scrollTo(0, 700)")
        ask(boat_page, "pier")
        boat_page.until(lambda: "q=pier" in driver.current_url and "Results for “pier”" in boat_page.texts("#asked"))
        driver.back()
        boat_page.until(lambda: "Results for “boat”" in boat_page.texts("#asked"))
    boat_page.until(lambda: titles(boat_page) == before)
    assert driver.current_url == address
    assert boat_page.find("input[name=speech_light]")[0].get_attribute("value") == "2"
    if how != "link":
        boat_page.until(lambda: driver.execute_script("return scrollY") == 700)


@pytest.mark.parametrize(("width", "height", "least"), [(1440, 900, 8), (768, 1024, 4), (390, 844, 2)])
def test_so_many_hits_are_seen_at_once(boat_page, width, height, least):
    boat_page.size(width, height)
    many_asked(boat_page)
    assert hits_in_sight(boat_page) >= least
    assert boat_page.driver.execute_script("return document.documentElement.scrollWidth") <= width
    boat_page.until(
        lambda: boat_page.driver.execute_script("return document.querySelector('.hit img').naturalWidth > 0")
    )
    boat_page.picture(f"grid-{width}")


def test_a_list_is_as_detailed_as_it_was_and_the_address_keeps_it(page):
    ask(page, "water")
    assert not page.driver.execute_script("return document.querySelector('.details')")
    page.click("#bar label", at=1)
    assert len(page.find(".hit.open .details .line")) == len(titles(page))
    assert "view=list" in page.driver.current_url
    page.driver.refresh()
    page.find(".hit.open .shares")
    for width, height in ((1440, 900), (768, 1024), (390, 844)):
        page.size(width, height)
        page.picture(f"list-{width}")
        assert page.driver.execute_script("return document.documentElement.scrollWidth") <= width


def test_the_keys_choose_open_and_play(boat_page):
    from selenium.webdriver import Keys

    many_asked(boat_page)
    press(boat_page, Keys.ARROW_DOWN)
    boat_page.find(".hit:first-child.chosen")
    columns = "return getComputedStyle(document.getElementById('hits')).gridTemplateColumns.split(' ').length"
    below = boat_page.driver.execute_script(columns) + 2
    press(boat_page, Keys.ARROW_RIGHT, Keys.ARROW_DOWN)
    boat_page.find(f".hit:nth-child({below}).chosen")
    press(boat_page, "e")
    boat_page.find(f".hit:nth-child({below}).open .timeline")
    boat_page.picture("open-1440")
    press(boat_page, "e", Keys.ENTER)
    playing = f"return document.querySelector('.hit:nth-child({below}):not(.open) video')?.paused === false"
    boat_page.until(lambda: boat_page.driver.execute_script(playing))
    for key in ("/", "←", "↑", "↓", "→", "Enter", "e", "m"):
        assert key in boat_page.texts("footer kbd")


def test_of_all_players_one_plays(page):
    ask(page, "water")
    playing = "return [...document.querySelectorAll('video')].filter((one) => !one.paused).length"
    for number in (1, 2):
        page.find(f".hit:nth-child({number}) .start")[0].click()
        started = f"return document.querySelector('.hit:nth-child({number}) video')?.paused === false"
        page.until(lambda script=started: page.driver.execute_script(script))
        page.until(lambda: page.driver.execute_script(playing) == 1)
    assert len(page.find("video", 2)) == 2


def test_the_first_hit_is_three_stops_of_the_tabulator_away(page):
    from selenium.webdriver import Keys

    ask(page, "water")
    press(page, Keys.TAB, Keys.TAB, Keys.TAB)
    assert focused(page, ".hit:first-child .start")
    outline = "return getComputedStyle(document.activeElement).outlineStyle"
    assert page.driver.execute_script(outline) == "solid"


def test_an_unknown_expert_of_the_address_is_told_and_can_be_left_out(page, address):
    page.driver.get(f"{address}/?q=lighthouse&weight=ocr_lite:2&has=txt")
    page.until(lambda: any("did you mean 'ocr_light'" in text for text in page.texts("#empty p")))
    page.picture("unknown")
    page.complaints()  # the refused request
    page.click("#empty button")
    page.until(lambda: titles(page)[:1] == ["harbour.mp4"])
    assert "weight" not in page.driver.current_url


def test_a_query_of_only_punctuation_finds_nothing_and_says_so(page):
    (box,) = page.find("#query")
    box.send_keys("?!\n")
    page.until(lambda: any("There is no word" in text for text in page.texts("#empty p")))
