"""Finds what keeps people from using a page: runs axe-core on the page that a browser shows.

The driver injects the script, which a page's Content-Security-Policy does not hold for: no page is loosened for it.
"""

import importlib.metadata
from functools import cache
from typing import Any

import pytest

from tests.search.browser import Browser

PACKAGE = "axe-playwright-python"
"""Carries axe-core. Its module is not imported, since it imports a driver of its own, which is not installed."""
GRAVE = ("serious", "critical")
RUN = """
    const done = arguments[arguments.length - 1];
    axe.run(document, { resultTypes: ["violations"] }).then(
      (told) => done({ violations: told.violations }), (error) => done({ error: String(error) }));
"""


def violations(browser: Browser) -> list[str]:
    """The serious and critical violations of the page, as `impact rule: selector (what to do)`; empty if it is fine."""
    driver = browser.driver
    driver.set_script_timeout(60)
    if not driver.execute_script("return Boolean(window.axe)"):
        driver.execute_script(_axe())
    told: dict[str, Any] = driver.execute_async_script(RUN)
    assert "error" not in told, told
    return [
        f"{found['impact']} {found['id']}: {' '.join(map(str, node['target']))} ({_first_line(node)})"
        for found in told["violations"]
        if found["impact"] in GRAVE
        for node in found["nodes"]
    ]


def _first_line(node: dict[str, Any]) -> str:
    """What is to be fixed about an element, in one line."""
    lines = [line.strip() for line in node.get("failureSummary", "").splitlines()[1:]]
    return "; ".join(line for line in lines if line)


@cache
def _axe() -> str:
    """The source text of axe-core; skips the test where its package is not installed."""
    try:
        files = importlib.metadata.files(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"needs the package {PACKAGE}, which carries axe-core")
    (script,) = [file for file in files if file.name == "axe.min.js"]
    return str(script.read_text(encoding="utf-8"))
