"""What is said where the program cannot be imported: a package is missing or broken, or luigi.cfg cannot be read.

With Python's own library alone.
"""

import configparser
import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import in_one_line

FLOORS = ("pipeline", "extractors", "models", "search", "tasks")
MISTAKE = 2
CAUSES = (ImportError, configparser.Error, UnicodeDecodeError)
"""Of what lies outside of the program; anything else is a bug, and keeps its traceback."""


def exit_status(error: Exception, arguments: Sequence[str]) -> int | None:
    """Says what is wrong, or all that Doctor finds where it was typed; the exit status, or None for a bug of ours."""
    if isinstance(error, ImportError) and (error.name or "").partition(".")[0] in FLOORS:
        return None
    if "Doctor" not in arguments:
        print(f"ERROR: {_what(error)}; {_advice(error)}; python -m tasks Doctor tells more", file=sys.stderr)
        return MISTAKE
    return _examined(error)


def _examined(error: Exception) -> int:
    """Prints what Doctor finds without the rest of the program; the exit status."""
    from pipeline.doctor.examine import examine
    from pipeline.doctor.findings import Finding, sorted_by_state
    from pipeline.doctor.privacy import shareable
    from tasks.console.diagnosis import FAULTY, print_findings

    here = Path.cwd()
    first = Finding("program", "fault", f"cannot start: {_what(error)}", _advice(error))
    others = sorted_by_state(examine({"current folder": here}, [here / "luigi.cfg"]))
    for_all = [
        Finding(one.subject, one.state, shareable(one.found, {here: "<here>"}), shareable(one.advice, {here: "<here>"}))
        for one in [first, *others]
    ]
    print_findings(for_all, print)
    return FAULTY


def _what(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"the package {(error.name or '').partition('.')[0]} is not installed in {Path(sys.executable).name}"
    if isinstance(error, ImportError):
        return in_one_line(error)
    return f"luigi.cfg cannot be read: {' '.join(str(error).split())}"


def _advice(error: Exception) -> str:
    if isinstance(error, ImportError):
        return "make .venv/.installed installs all that the program needs, and its programs are in .venv/bin"
    return "correct it, or delete it"
