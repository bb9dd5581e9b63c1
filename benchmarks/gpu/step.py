"""What every step has in common: it is a program that is told a case, and keeps its figures as it goes."""

import faulthandler
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.gpu.sizes import FULL, SMALL, Sizes
from pipeline.stores import atomic


@dataclass(frozen=True)
class Case:
    """What a step is told."""

    small: bool
    device: str
    work: str
    """Folder for what the steps make and share; thrown away at the end."""
    result: str
    """File that the figures are written to."""
    until: float
    """When its time is over, in seconds of `time.time`."""

    @property
    def sizes(self) -> Sizes:
        return SMALL if self.small else FULL

    def left_s(self) -> float:
        return self.until - time.time()

    def command(self, module: str) -> list[str]:
        """How the step is started."""
        return [sys.executable, "-m", module, json.dumps(asdict(self))]


class Figures:
    """The figures of a step, in a file that is whole at every moment: a step that is cut has told what it knew."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.told: dict[str, Any] = {"figures": {}, "left_out": {}}

    def keep(self, name: str, figures: Any) -> None:
        """What was measured under a name."""
        self.told["figures"][name] = figures
        self._write()

    def leave_out(self, name: str, reason: str) -> None:
        """What was not measured, and why."""
        self.told["left_out"][name] = reason
        self._write()

    def _write(self) -> None:
        atomic.write_text(self.path, json.dumps(self.told, indent=1) + "\n")


def run_step(work: Callable[[Case, Figures], None]) -> None:
    """The life of a step: the case is what was typed."""
    case = Case(**json.loads(sys.argv[1]))
    # Where a step hangs stands in its log before it is ended.
    faulthandler.dump_traceback_later(max(1.0, case.left_s() - 2.0))
    figures = Figures(Path(case.result))
    work(case, figures)
    if not figures.told["figures"]:
        sys.exit("nothing was measured")


def rounded(value: float, digits: int = 4) -> float:
    """To so many significant digits: more than these no measurement has."""
    return float(f"{value:.{digits}g}")
