"""Step a: the tests that a GPU is needed for, counted; what fails stands in the log."""

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.gpu.step import Case, Figures, run_step

ROOT = Path(__file__).parents[2]
THREADS = "2"
"""Of each process that compares with the CPU, several of which run side by side."""


def work(case: Case, figures: Figures) -> None:
    """Fails when a test does, with its figures kept."""
    report = Path(case.work) / "tests.xml"
    # What a newer library deprecates is an error in our own suite, and no concern here.
    told = ["-p", "no:cacheprovider", "-W", "default", "--durations", "15", "-q", f"--junitxml={report}"]
    command = [sys.executable, "-m", "pytest", *told, *case.sizes.tests, *map(str, files())]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": THREADS}, check=False)
    if not report.exists():
        raise RuntimeError(f"pytest ended with {done.returncode} before a test ran")
    counts, failed, skipped = read(report)
    figures.keep("tests", counts | {"failed": failed})
    for reason, number in skipped.items():
        figures.leave_out(f"{number} tests", reason)
    if failed or not counts["passed"]:
        sys.exit(f"{len(failed)} tests failed, {counts['passed']} passed")


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
