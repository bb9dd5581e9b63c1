"""Step a: the tests that a GPU is needed for, counted; what fails stands in the log."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from benchmarks.gpu.step import Case, Figures, run_step

ROOT = Path(__file__).parents[2]
SPARE_S = 12.0
"""For pytest to end, after its report: its workers have ten seconds for that."""
END_S = 2.0
"""For what this step does afterwards."""
THREADS = "2"
"""Of each process that compares with the CPU, several of which run side by side."""


def work(case: Case, figures: Figures) -> None:
    """Fails when a test does, with its figures kept."""
    report = Path(case.work) / "tests.json"
    # What a newer library deprecates is an error in our own suite, and no concern here.
    told = ["-p", "no:cacheprovider", "-W", "default", "--durations", "15", "-v"]
    told += ["-p", "benchmarks.gpu.outcomes", f"--outcomes={report}"]
    command = [sys.executable, "-m", "pytest", *told, *case.sizes.tests, *map(str, files())]
    in_time = run_until(command, case.left_s() - SPARE_S - END_S)
    if not report.exists():
        raise RuntimeError("pytest ended before it had a report")
    told_of = json.loads(report.read_text(encoding="utf-8"))
    passed, failed, skipped = told_of["passed"], told_of["failed"], told_of["skipped"]
    figures.keep("tests", {"passed": passed, "skipped": sum(skipped.values()), "failed": failed})
    if not in_time:
        figures.leave_out("the tests that are not in the log", "no time left")
    for reason, number in skipped.items():
        figures.leave_out(f"{number} tests", reason)
    if failed or not passed:
        sys.exit(f"{len(failed)} tests failed, {passed} passed")


def run_until(command: list[str], limit_s: float) -> bool:
    """Whether a program ended by itself; else it is interrupted, whereupon pytest reports what it has done."""
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": THREADS})
    try:
        process.wait(limit_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(SPARE_S)
        except subprocess.TimeoutExpired:
            process.kill()  # its workers end with it
            process.wait()
        return False
    return True


def files() -> list[Path]:
    """Those with a test that is run on a GPU, found by how they say so."""
    told = re.compile(r"pytest\.mark\.gpu|^from tests\.devices import", re.MULTILINE)
    return [path for path in sorted((ROOT / "tests").rglob("test_*.py")) if told.search(path.read_text("utf-8"))]


if __name__ == "__main__":
    run_step(work)
