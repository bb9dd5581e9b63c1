"""Step a: the tests that a GPU is needed for, counted; what fails stands in the log."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.gpu.step import Case, Figures, run_step

ROOT = Path(__file__).parents[2]
SPARE_S = 15.0
"""For pytest to end and to write its report."""
THREADS = "2"
"""Of each process that compares with the CPU, several of which run side by side."""


def work(case: Case, figures: Figures) -> None:
    """Fails when a test does, with its figures kept."""
    report = Path(case.work) / "tests.xml"
    # What a newer library deprecates is an error in our own suite, and no concern here.
    told = ["-p", "no:cacheprovider", "-W", "default", "--durations", "15", "-v", f"--junitxml={report}"]
    command = [sys.executable, "-m", "pytest", *told, *case.sizes.tests, *map(str, files())]
    in_time = run_until(command, case.left_s() - SPARE_S)
    if not report.exists():
        raise RuntimeError("pytest ended before it had a report")
    counts, failed, skipped = read(report)
    figures.keep("tests", counts | {"failed": failed})
    if not in_time:
        figures.leave_out("the tests that are not in the log", "no time left")
    for reason, number in skipped.items():
        figures.leave_out(f"{number} tests", reason)
    if failed or not counts["passed"]:
        sys.exit(f"{len(failed)} tests failed, {counts['passed']} passed")


def run_until(command: list[str], limit_s: float) -> bool:
    """Whether a program ended by itself; else it is interrupted, whereupon pytest reports what it has done."""
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": THREADS})
    try:
        process.wait(limit_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        process.wait(SPARE_S)
        return False
    return True


def files() -> list[Path]:
    """Those with a test that is run on a GPU, found by how they say so."""
    told = re.compile(r"pytest\.mark\.gpu|^from tests\.devices import", re.MULTILINE)
    return [path for path in sorted((ROOT / "tests").rglob("test_*.py")) if told.search(path.read_text("utf-8"))]


def read(report: Path) -> tuple[dict[str, int], list[str], dict[str, int]]:
    """How many passed and were skipped, the names of those that failed, and why how many were skipped."""
    failed, skipped, passed = [], dict[str, int](), 0
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        kinds = {child.tag: child for child in case}
        if "failure" in kinds or "error" in kinds:
            failed.append(f"{case.get('classname')}::{case.get('name')}")
        elif "skipped" in kinds:
            reason = kinds["skipped"].get("message", "")
            skipped[reason] = skipped.get(reason, 0) + 1
        else:
            passed += 1
    return {"passed": passed, "skipped": sum(skipped.values())}, failed, skipped


if __name__ == "__main__":
    run_step(work)
