"""Prints what Doctor found; with Python's own library alone, as any other may be what is broken."""

from collections.abc import Callable, Sequence

from pipeline.doctor.findings import Finding

FAULTY = 1
"""Exit status where something is at fault."""


def print_findings(found: Sequence[Finding], tell: Callable[[str], None]) -> None:
    """Prints a line for each finding, below it what to do, and how many faults there are."""
    width = max((len(finding.subject) for finding in found), default=0)
    for finding in found:
        state = finding.state.upper() if finding.state == "fault" else finding.state
        tell(f"{state:5}  {finding.subject:{width}}  {finding.found}")
        if finding.advice:
            tell(f"{'':5}  {'':{width}}  -> {finding.advice}")
    num_faults = sum(finding.state == "fault" for finding in found)
    tell(f"{num_faults or 'No'} fault{'s' if num_faults != 1 else ''}")
