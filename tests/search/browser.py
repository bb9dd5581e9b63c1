"""Drives a real browser, headless Chromium, and serves an app for it."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.search.chromium import Machine, NoBrowserError, provide


@contextmanager
def served(app: Any) -> Iterator[str]:
    """The address of an app on a free port."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started and time.monotonic() < until:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


class Browser:
    """A driven browser, with the steps that tests take."""

    def __init__(self, driver: Any, pictures: Path) -> None:
        self.driver, self.pictures = driver, pictures

    def find(self, css: str, count: int = 1, seconds: float = 10) -> list[Any]:
        """The visible elements that match `css`; waits until there are `count` of them."""
        until = time.monotonic() + seconds
        while True:
            found = [one for one in self.driver.find_elements("css selector", css) if self._is_shown(one)]
            if len(found) >= count:
                return found
            assert time.monotonic() < until, f"{css}: {len(found)} of {count}"
            time.sleep(0.05)

    def click(self, css: str, at: int = 0, seconds: float = 10) -> None:
        """Clicks the visible element number `at` that matches `css`; again where the page has just drawn it anew."""
        from selenium.common.exceptions import StaleElementReferenceException

        until = time.monotonic() + seconds
        while True:
            try:
                self.find(css, seconds=seconds)[at].click()
                return
            except StaleElementReferenceException:
                assert time.monotonic() < until, f"{css} does not stay"

    def until(self, condition: Any, seconds: float = 10) -> Any:
        """Waits until `condition()` is true, and returns its value."""
        end = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < end, "it did not come to be"
            time.sleep(0.05)
        return value

    def texts(self, css: str) -> list[str]:
        """The text of all elements that match `css`, read at once."""
        script = "return [...document.querySelectorAll(arguments[0])].map(one => one.textContent)"
        return self.driver.execute_script(script, css)

    def picture(self, name: str) -> None:
        """Saves a screenshot."""
        self.driver.save_screenshot(str(self.pictures / f"{name}.png"))

    def size(self, width: int, height: int, dark: bool = False) -> None:
        """Sets the size of the window, and the light or dark colour scheme."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def complaints(self) -> list[str]:
        """The messages in the console since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser") if "favicon" not in entry["message"]]

    def _is_shown(self, element: Any) -> bool:
        from selenium.common.exceptions import StaleElementReferenceException

        try:
            return element.is_displayed()
        except StaleElementReferenceException:
            return False


@contextmanager
def open_browser(pictures: Path) -> Iterator[Browser]:
    """A browser for a test, which is skipped where there is none and none can be installed."""
    pytest.importorskip("selenium.webdriver", reason="needs the package selenium")
    try:
        programs = provide(Machine())
    except NoBrowserError as error:
        pytest.skip(str(error))
    with driven(programs, pictures) as browser:
        yield browser


@contextmanager
def own_browser(pictures: Path) -> Iterator[Browser]:
    """A browser for a program, which ends with one line where there is none."""
    try:
        programs = provide(Machine())
    except NoBrowserError as error:
        sys.exit(f"ERROR: {error}")
    with driven(programs, pictures) as browser:
        yield browser


@contextmanager
def driven(programs: tuple[str, str], pictures: Path) -> Iterator[Browser]:
    """The browser with its driver, `programs`."""
    from selenium import webdriver as selenium

    program, driver_program = programs
    options = selenium.ChromeOptions()
    options.binary_location = program
    # Without a sandbox: containers have none. Without /dev/shm: theirs is small.
    for flag in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "hide-scrollbars", "window-size=1280,860"):
        options.add_argument(f"--{flag}")
    options.add_argument("--autoplay-policy=no-user-gesture-required")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = selenium.Chrome(options, selenium.ChromeService(driver_program))
    try:
        yield Browser(driver, pictures)
    finally:
        driver.quit()
