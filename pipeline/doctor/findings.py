"""A finding on the machine or the installation, and checks that always end in one, whatever is broken."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from pipeline.errors import in_one_line

State = Literal["fault", "note", "ok"]
ORDER: tuple[State, ...] = ("fault", "note", "ok")
"""Faults first."""


@dataclass(frozen=True)
class Finding:
    """What was found of one subject."""

    subject: str
    """E.g. "GPU"."""
    state: State
    """fault: something will not work; note: worth knowing, e.g. what is slow or lacking."""
    found: str
    advice: str = ""
    """What to do about it; empty where there is nothing to do."""


Check = Callable[[], Iterable[Finding]]


def checked(subject: str, check: Check) -> Iterator[Finding]:
    """The findings of a check; where it fails itself, that it did."""
    try:
        yield from check()
    except Exception as error:  # whatever is broken here is what somebody wants to be told
        yield Finding(subject, "fault", f"could not be looked at: {in_one_line(error)}", "report this with all of it")


def sorted_by_state(findings: Iterable[Finding]) -> list[Finding]:
    """Faults first, then notes, else in the given order."""
    return sorted(findings, key=lambda finding: ORDER.index(finding.state))
