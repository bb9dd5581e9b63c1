import io

import pytest
from PIL import Image

from search.pages.app import create_app
from tests.clips import make_clip, tone
from tests.search.browser import served
from tests.search.chromium import LONGEST_S
from tests.search.example_collection import CLIPS
from tests.search.pages.static.conftest import _fresh
from tests.search.pages.static.search_page import press, titles

pytestmark = [pytest.mark.slow, pytest.mark.timeout(LONGEST_S)]

FILE = """
    const bytes = Uint8Array.from(atob(arguments[1]), (one) => one.charCodeAt(0));
    const held = new DataTransfer();
    held.items.add(new File([bytes], arguments[2], { type: arguments[3] }));
    const [kind, given] = [arguments[0], { bubbles: true, cancelable: true }];
    dispatchEvent(kind === "paste" ? new ClipboardEvent("paste", { clipboardData: held, ...given })
      : new DragEvent(kind, { dataTransfer: held, ...given }));
"""


@pytest.fixture(scope="module")
def planted_address(planted_root):
    from tests.search import small_collection

    with served(create_app(small_collection.opened(planted_root))) as at:
        yield at


@pytest.fixture
def page(browser, planted_address):
    yield from _fresh(browser, planted_address)


def png(number: int) -> bytes:
    held = io.BytesIO()
    Image.fromarray(CLIPS[number].picture(9)).save(held, "PNG")
    return held.getvalue()


def give(page, kind: str, body: bytes, name: str = "x.png", media: str = "image/png") -> None:
    """Drops or pastes a file, as the browser tells a page that somebody did."""
    import base64

    page.driver.execute_script(FILE, kind, base64.b64encode(body).decode(), name, media)


def choose(page, path) -> None:
    page.driver.find_element("css selector", "#ask-file").send_keys(str(path))


def test_a_picture_that_is_chosen_finds_its_video_and_stays_in_the_address(page, tmp_path):
    (tmp_path / "red <b>.png").write_bytes(png(3))
    choose(page, tmp_path / "red <b>.png")
    page.until(lambda: titles(page)[:1] == ["clip3.mp4"], 60)
    assert page.texts(".asked strong") == ["red <b>.png"]
    assert page.driver.execute_script("return document.querySelector('.asked img').naturalWidth") == 160
    assert "Answered by rgb_light." in page.texts("#status")[0]
    assert "example=" in page.driver.current_url
    for width, height in ((1440, 900), (390, 844)):
        page.size(width, height)
        page.picture(f"ask-picture-{width}")
        assert page.driver.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    page.driver.refresh()
    page.until(lambda: titles(page)[:1] == ["clip3.mp4"])
    assert page.texts(".asked strong") == ["red <b>.png"]


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_a_picture_is_dropped_or_pasted_anywhere(page, kind):
    if kind == "drop":
        give(page, "dragenter", png(5))
        page.find(".drop")
        page.picture("ask-drop")
    give(page, kind, png(5))
    page.until(lambda: titles(page)[:1] == ["clip5.mp4"], 60)
    assert page.driver.find_elements("css selector", ".drop:not([hidden])") == []


def test_a_sound_finds_what_sounds_so(page, tmp_path):
    choose(page, make_clip(tmp_path / "hum.wav", codec="", sound=tone(2.0, CLIPS[4].hz)))
    page.until(lambda: titles(page)[:1] == ["clip4.mp4"], 60)
    assert "Answered by audio_light." in page.texts("#status")[0]
    page.picture("ask-sound")


def test_the_button_is_reached_and_pressed_by_keyboard(page):
    script = """
        window.pressed = 0;
        document.querySelector("#ask-file").click = () => { window.pressed += 1; };
        document.querySelector("#form .ask").focus();
    """
    page.driver.execute_script(script)
    press(page, "\ue007")
    assert page.driver.execute_script("return window.pressed") == 1


def test_a_moment_of_a_hit_and_the_face_in_it_are_asked_without_a_file(page):
    page.driver.get(page.driver.current_url + "?example=" + key(0) + "@1.5")
    page.until(lambda: titles(page)[:1] == ["clip0.mp4"])
    page.find(".asked img")
    page.click(".hit:first-child .toggle")
    page.find(".hit:first-child .timeline .mark")
    page.click(".hit:first-child .this-person")
    page.until(lambda: "%40face" in page.driver.current_url)
    page.until(lambda: set(titles(page)) <= {"clip0.mp4", "clip1.mp4", "clip2.mp4", "clip3.mp4"})
    page.picture("ask-face")
    page.click(".asked button")
    page.until(lambda: page.texts(".asked button") == ["Only this face", "Clear"])
    page.click(".hit:first-child .toggle")
    page.click(".hit:first-child .this-moment")
    page.until(lambda: page.driver.current_url.count("%40") == 1)
    page.driver.back()
    page.click(".asked button", at=-1)
    page.find("#empty h1")
    assert page.driver.find_elements("css selector", ".asked") == []


def key(number: int) -> str:
    from search.index.folder import key_of

    return key_of(CLIPS[number].name)


def test_what_is_no_picture_is_told_in_one_line(page):
    give(page, "drop", b"no picture")
    page.find("#empty.error h1", seconds=60)
    assert "This is no picture, sound or clip that can be read" in page.texts("#empty p")[0]
    page.picture("ask-refused")
    assert all("415" in one for one in page.complaints()), "the browser tells of the status, and of nothing else"
    give(page, "drop", b"")
    page.until(lambda: page.texts("#empty p") == ["The file is empty."])


def test_text_that_is_pasted_stays_text(page):
    page.driver.execute_script("""
        const held = new DataTransfer();
        held.setData("text/plain", "a lighthouse");
        const given = { clipboardData: held, bubbles: true, cancelable: true };
        window.taken = !dispatchEvent(new ClipboardEvent("paste", given));
    """)
    assert page.driver.execute_script("return window.taken") is False
