"""Runs a probe in a process of its own: what it loads may crash or hang, which is then what was found."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

PREFIX = "probe: "
"""Begins the line of the answer: libraries print too."""


@dataclass
class Probe:
    """A module of this package that prints a JSON object after the prefix; it begins at once."""

    module: str
    deadline_s: float
    arguments: Sequence[str] = ()

    def __post_init__(self) -> None:
        folder = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120
        path = os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH", "")]))
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", f"pipeline.doctor.{self.module}", *self.arguments],
            env=os.environ | {"PYTHONPATH": path, "SVT_LOG": "0"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )

    def answer(self) -> dict[str, Any]:
        """What it printed; {"error": why} where it crashed or hung."""
        try:
            output, errors = self._process.communicate(timeout=self.deadline_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            return {"error": f"no answer within {self.deadline_s:.0f} s"}
        lines = [line.removeprefix(PREFIX) for line in output.splitlines() if line.startswith(PREFIX)]
        if lines:
            told: dict[str, Any] = json.loads(lines[-1])
            return told
        last = errors.strip().splitlines()[-1:] or [f"ended with status {self._process.returncode}"]
        return {"error": last[0]}


def answer(content: dict[str, Any]) -> None:
    """To be called by the probe, with its answer."""
    print(PREFIX + json.dumps(content), flush=True)
