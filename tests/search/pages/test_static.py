import pytest

from search.pages.app import create_app
from tests.search.browser import Browser, served
from tests.search.chromium import LONGEST_S
from tests.search.small_collection import HOSTILE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(LONGEST_S)]


@pytest.fixture
def page(browser, address) -> Browser:
    browser.size(1280, 860)
    browser.driver.get(address)
    browser.find("#empty h1")
    browser.complaints()
    yield browser
    assert browser.complaints() == []


def ask(page: Browser, query: str) -> None:
    (box,) = page.find("#query")
    box.clear()
    box.send_keys(query + "\n")


def titles(page: Browser) -> list[str]:
    return page.texts(".hit h2")


def test_a_query_that_is_typed_shows_results_with_matched_words_and_shares(page):
    ask(page, "a lighthouse")
    page.until(lambda: titles(page)[:1] == ["harbour.mp4"])
    assert page.texts(".hit:first-child .reason mark") == ["LIGHTHOUSE"]
    page.click(".hit:first-child .toggle")
    assert len(page.find(".hit:first-child .shares .track", 3)) == 3
    assert "q=a+lighthouse" in page.driver.current_url
    page.picture("results")


def test_how_much_each_engine_counts_stands_above_the_hits(page):
    ask(page, "zebra on the water")
    page.until(lambda: page.texts(".weighed"))
    (told,) = page.texts(".weighed")
    assert told.startswith("Weighed: words ") and told.count("%") > 1
    given = {"engine_weights": {"ce": 1, "words": 3}, "is_by_query": True, "hits": [1]}
    page.driver.execute_script(
        "import('./static/parts.js').then((parts) => "
        "document.title = parts.built(parts.listParts, {}, arguments[0])[0].textContent)", given
    )  # fmt: skip
    page.until(lambda: page.driver.title == "Weighed for this query: words 75 %, experts 25 %")


def test_a_video_plays_from_its_best_second(page):
    ask(page, "lighthouse")
    page.click(".hit:first-child .start")
    video = page.find(".hit:first-child video")[0]
    page.until(lambda: page.driver.execute_script("return arguments[0].currentTime", video) > 4.0)
    assert page.driver.execute_script("return arguments[0].currentTime", video) < 6.1


def test_a_slider_changes_what_is_found(page):
    ask(page, "lighthouse")
    page.until(lambda: page.texts(".reason mark") == ["LIGHTHOUSE"])
    (slider,) = page.find("input[name=ocr_light]")
    page.driver.execute_script("arguments[0].value = 0; arguments[0].dispatchEvent(new Event('input'))", slider)
    page.until(lambda: not page.texts(".reason mark"))
    page.click("#reset")
    page.until(lambda: page.texts(".reason mark") == ["LIGHTHOUSE"])


def test_a_label_says_what_is_seen_and_when_and_is_no_markup(page):
    ask(page, "zebra img")
    page.until(lambda: sorted(titles(page)[:2]) == sorted(["meadow.mp4", f"{HOSTILE}.mp4"]))
    page.driver.execute_script("document.querySelectorAll('.hit .toggle').forEach((one) => one.click())")
    seen = [text for text in page.texts(".hit .moment") if text.startswith("seen: ")]
    assert {"seen: zebra 0.93 at 0:02", "seen: zebra 0.25 at 0:03", f"seen: {HOSTILE} 0.50 at 0:00"} == set(seen)
    assert page.driver.execute_script("return document.querySelectorAll('#hits [src=x]').length") == 0
    page.picture("labels")


def test_only_videos_that_show_a_label_are_left_where_one_is_named(page):
    ask(page, "water")
    page.until(lambda: len(titles(page)) >= 2)
    page.find("#seen")
    assert page.driver.execute_script("return document.querySelector('#labels option').value") == "zebra"
    page.find("#seen")[0].send_keys("teddy")
    page.until(lambda: titles(page) == ["kitchen.mp4"])


def test_a_filter_leaves_videos_out_and_the_empty_page_says_so(page):
    ask(page, "pasta")
    page.until(lambda: titles(page)[:1] == ["kitchen.mp4"])
    page.click("#has label", at=1)  # with text
    page.until(lambda: "kitchen.mp4" not in titles(page))
    page.driver.execute_script("const s = document.getElementById('longest'); s.value = 1; s.oninput()")
    page.until(lambda: page.texts("#empty p") == ["No video passes the filters."])
    page.picture("empty")


def test_more_like_this_asks_for_likeness_and_back_returns(page):
    ask(page, "pasta")
    page.until(lambda: titles(page)[:1] == ["kitchen.mp4"])
    page.click(".hit:first-child .similar")
    page.until(lambda: page.texts(".source h2") == ["kitchen.mp4"])
    assert "kitchen.mp4" not in titles(page)
    page.driver.back()
    page.until(lambda: titles(page)[:1] == ["kitchen.mp4"])


def test_the_keyboard_alone_is_enough(page):
    from selenium.webdriver import ActionChains, Keys

    def press(*keys: str) -> None:
        ActionChains(page.driver).send_keys(*keys).perform()

    press("water", Keys.ENTER)
    page.until(lambda: len(titles(page)) > 1)
    press(Keys.ARROW_DOWN)
    page.find(".hit:first-child.chosen")
    press(Keys.ARROW_RIGHT)
    page.find(".hit:nth-child(2).chosen")
    press(Keys.ENTER)
    page.until(
        lambda: page.driver.execute_script("return document.querySelector('.hit:nth-child(2) video')?.paused === false")
    )
    press("/")
    assert page.driver.execute_script("return document.activeElement.id") == "query"
    press(Keys.ESCAPE, "m")
    page.find(".source h2")


def test_a_hostile_name_and_caption_are_shown_as_text(page):
    ask(page, "bold")
    page.until(lambda: titles(page)[:1] == ["<img src=x onerror=alert(1)>.mp4"])
    page.click(".hit:first-child .toggle")
    page.click(".hit:first-child .words")
    page.until(lambda: any("onerror" in text for text in page.texts(".more p")))
    assert page.texts(".more mark") == ["<b>bold</b>"]
    assert page.driver.execute_script("return document.querySelectorAll('#hits [src=x], #hits b').length") == 0
    page.picture("hostile")


def test_a_word_of_a_script_without_blanks_is_marked_inside_its_sentence(page):
    page.driver.execute_script("""
        const said = (text, at, isUnspaced) => (
          { text, expert: "speech", start_s: at, end_s: at + 1, is_unspaced: isUnspaced });
        const words = [..."去港口看口"].map((text, at) => said(text, at, true));
        words.push(said("see", 5, false), said("ships", 6, false));
        const found = [{ ...said("港口", 1, true), end_s: 3 }, said("ships", 6, false)];
        const hit = { key: "k", video_id: "v", playable: false, best_s: 1, duration_s: 9, similarity: null,
                      found_by: {}, shares: {}, seen: [], moments: [], words: found };
        window.fetch = async () => ({ ok: true, json: async () => ({ words, captions: [], seen: [] }) });
        import("./static/hit.js").then(({ hitCard }) => {
          document.body.append(hitCard(hit, 1, new Map(), () => {}));
          document.querySelector(".hit .toggle").click();
          document.querySelector(".hit .words").click();
        });
    """)
    page.until(lambda: page.texts(".more p") == ["去港口看口 see ships"])
    assert page.texts(".more mark") == ["港", "口", "ships"]


def test_all_of_it_fits_a_phone(page):
    page.size(390, 844)
    ask(page, "lighthouse")
    page.find(".hit")
    page.click("#controls summary")
    page.find("#weights input")
    width = page.driver.execute_script("return document.documentElement.scrollWidth")
    page.picture("phone")
    assert width <= 390


def test_it_is_dark_in_the_dark(page):
    page.size(1280, 860, dark=True)
    ask(page, "lighthouse")
    page.find(".hit")
    page.picture("dark")
    red = (
        page.driver.execute_script("return getComputedStyle(document.body).backgroundColor").split("(")[1].split(",")[0]
    )
    assert int(red) < 40


def test_a_server_that_is_gone_is_told(tiny, browser):
    with served(create_app(tiny)) as at:
        browser.driver.get(at)
        browser.find("#empty h1")
    ask(browser, "water")
    browser.until(lambda: browser.texts("#empty.error h1") == ["That did not work"])
    browser.picture("error")
    browser.complaints()


def test_the_api_page_tries_what_it_describes(page, address):
    page.driver.get(f"{address}/docs")
    page.find(".operation", 4)
    page.click(".operation button")
    page.until(lambda: any('"dataset": "tiny"' in text for text in page.texts("pre")))
