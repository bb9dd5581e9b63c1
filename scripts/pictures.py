"""Takes the pictures of the documentation: `python -m scripts.pictures [--data DIR] [--into docs]`, from the root.

Serves the demo's collection, and opens its page of rankings, in headless Chromium at 1280 pixels; so they show the
pages as they are. What must be there: `luigi --module tasks BuildIndex --dataset demo`, and EvaluateCE.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

from pipeline import project
from pipeline.errors import ConfigError, PipelineError
from search import Collection
from search.pages.app import create_app
from tests.search.browser import Browser, own_browser, served

DATASET, QUERY, WIDTH, HEIGHT = "demo", "a kitten", 1280, 860
COLOURS = 255
"""So few are enough for a page, and a third of the bytes."""
SHOWN = """
    const isShown = (box) => box.width && box.top < innerHeight && box.bottom > 0;
    return [...document.querySelectorAll('.hit img, .query img')].filter((one) => isShown(one.getBoundingClientRect()))
      .map((one) => (one.complete ? one.naturalWidth : -1));
"""
"""Widths of the stills in view; -1 for one that is on its way, 0 for one that is not there."""


def main(typed: list[str] | None = None) -> int:
    """Takes the pictures; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m scripts.pictures", description="Takes the pictures of docs/.")
    parser.add_argument("--data", help="folder of the stores; by default as luigi.cfg says")
    parser.add_argument("--into", default="docs", type=Path, help="folder of the pictures")
    options = parser.parse_args(typed)
    try:
        place = project.load(data=options.data)
        take(Collection.of_project(place, DATASET), rankings_of(place.store), options.into)
    except PipelineError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 2
    return 0


def take(collection: Collection, rankings: Path, into: Path) -> None:
    """Writes search.png, timeline.png and rankings.png into a folder."""
    collection.search(QUERY)  # loads the networks
    with tempfile.TemporaryDirectory() as scratch, own_browser(Path(scratch)) as browser:
        browser.size(WIDTH, HEIGHT)
        with served(create_app(collection)) as address:
            browser.driver.get(f"{address}/?q={QUERY.replace(' ', '+')}")
            browser.find(".hit", 3, seconds=60)
            keep(browser, into / "search.png")
            browser.driver.get(f"{address}/?q={QUERY.replace(' ', '+')}&view=list")
            keep(browser, into / "timeline.png", browser.find(".hit", seconds=60)[0])
        browser.driver.get(rankings.absolute().as_uri())
        browser.find(".query")
        keep(browser, into / "rankings.png")


def rankings_of(store: Path) -> Path:
    """The newest page of rankings of the demo; raises ConfigError when there is none."""
    pages = list((store / "reports" / DATASET).glob("*/*/rankings.html"))
    if not pages:
        raise ConfigError(
            f"no page of rankings in {store}; make it: luigi --module tasks EvaluateCE --dataset {DATASET}"
        )
    return max(pages, key=lambda page: page.stat().st_mtime)


def keep(browser: Browser, path: Path, element: Any = None) -> None:
    """Saves what the browser shows, or one element of it, once all pictures are drawn."""
    browser.driver.execute_script("document.activeElement?.blur()")
    browser.until(lambda: -1 not in browser.driver.execute_script(SHOWN), seconds=60)
    shown = browser.driver.execute_script(SHOWN)
    if not shown or 0 in shown:
        raise ConfigError(
            f"{path.name}: a still is missing; are the demo's videos there? luigi --module tasks MakeDemo"
        )
    with tempfile.TemporaryDirectory() as scratch:
        raw = Path(scratch, "picture.png")
        if element is None:
            browser.driver.save_screenshot(str(raw))
        else:
            element.screenshot(str(raw))
        # Few pixels have the colours of the experts, which must stay apart.
        few = Image.open(raw).convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=3)
        few.save(path, optimize=True)
    print(f"{path}: {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    sys.exit(main())
