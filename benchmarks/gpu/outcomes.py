"""What became of each test, for checks.py: `pytest -p benchmarks.gpu.outcomes --outcomes=FILE` writes it as JSON.

A report as JUnit's counts a test that was interrupted as one that did not fail.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.stores import atomic


def pytest_addoption(parser: Any) -> None:
    """The file."""
    parser.addoption("--outcomes", type=Path)


def pytest_configure(config: Any) -> None:
    """In the process that hears of all tests, which is none of the workers."""
    if config.option.outcomes and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Outcomes(config.option.outcomes))


class Outcomes:
    """Counts the reports of the tests."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.passed = 0
        self.failed: list[str] = []
        self.skipped: dict[str, int] = {}
        """Reason -> number."""

    def pytest_runtest_logreport(self, report: Any) -> None:
        """One of the three of a test: before it, itself, after it."""
        if report.failed:
            self.failed += [] if report.nodeid in self.failed else [report.nodeid]
        elif report.skipped:
            reason = getattr(report, "wasxfail", None) or str(report.longrepr[-1]).removeprefix("Skipped: ")
            self.skipped[reason] = self.skipped.get(reason, 0) + 1
        elif report.when == "call":
            self.passed += 1

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Also where it was interrupted; before xdist waits for its workers."""
        told = {"passed": self.passed, "failed": self.failed, "skipped": self.skipped}
        atomic.write_text(self.path, json.dumps(told) + "\n")
