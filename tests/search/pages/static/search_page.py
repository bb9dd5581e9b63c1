"""Steps that tests of the search page take."""

from tests.search.browser import Browser

IN_SIGHT = """
    const low = document.querySelector("footer").getBoundingClientRect().top || innerHeight;
    const high = document.querySelector("header").getBoundingClientRect().bottom;
    return [...document.querySelectorAll(".hit")].filter((one) => {
      const { top, bottom, left, right } = one.getBoundingClientRect();
      return top >= high && bottom <= low && left >= 0 && right <= innerWidth;
    }).length;
"""


def ask(page: Browser, query: str) -> None:
    """Types a query, and waits for hits."""
    (box,) = page.find("#query")
    box.clear()
    box.send_keys(query + "\n")
    page.find(".hit")


def titles(page: Browser) -> list[str]:
    """The names of the hits in their order."""
    return page.texts(".hit h2")


def press(page: Browser, *keys: str) -> None:
    """Presses keys, wherever the focus is."""
    from selenium.webdriver import ActionChains

    ActionChains(page.driver).send_keys(*keys).perform()


def focused(page: Browser, css: str) -> bool:
    """Whether the focus is on or in an element that matches."""
    return page.driver.execute_script("return document.activeElement.closest(arguments[0]) !== null", css)


def hits_in_sight(page: Browser) -> int:
    """How many hits are whole between the head and the foot of the page."""
    return page.driver.execute_script(IN_SIGHT)
