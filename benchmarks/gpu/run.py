"""All that is to be known of a GPU, in at most nine minutes: `benchmarks/on_gpu.sh OUT [--small]`.

Each step is a program with a share of the time, of which its end is part; what it has measured by then is kept. OUT
has gpu.json, gpu.md and a log of each step, and is whole after every step: a run that is cut has told something.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.gpu.step import Case
from benchmarks.gpu.table import page
from pipeline.stores import atomic

TOTAL_S = 540.0
START_S = 90.0
"""For the facts of the machine, which begin with PyTorch's own start."""
MOST_LOG_BYTES = 8_000_000


@dataclass(frozen=True)
class Step:
    """A program of this folder."""

    name: str
    most_s: float
    least_s: float
    """Kept free for it while the steps before it run; with less left it is not run."""

    @property
    def module(self) -> str:
        return f"benchmarks.gpu.{self.name}"


STEPS = (
    Step("checks", most_s=190, least_s=60),
    Step("experts", most_s=230, least_s=60),
    Step("fused", most_s=140, least_s=100),
    Step("training", most_s=80, least_s=30),
    Step("search", most_s=80, least_s=30),
)
"""The most wanted first. Together they may take longer than there is: what one leaves over is the next one's."""


def main() -> None:
    """Fails where a step did, once all have had their turn."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("out", type=Path, metavar="OUT", help="folder for gpu.json, gpu.md and a log of each step")
    asked.add_argument("--small", action="store_true", help="the same on the CPU, on as little as shows that it runs")
    asked.add_argument("--steps", default="", help="only these, with commas between")
    asked.add_argument("--total-s", type=float, default=TOTAL_S, help="seconds for all of it")
    options = asked.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for stale in (*options.out.glob("*.log"), *options.out.glob("gpu.*")):
        stale.unlink()
    wanted = options.steps.split(",") if options.steps else [step.name for step in STEPS]
    device = "cpu" if options.small else "cuda:0"
    until = time.time() + options.total_s
    told = {"machine": machine(device, options.out), "small": options.small, "steps": {}}
    with tempfile.TemporaryDirectory() as work:
        steps = [step for step in STEPS if step.name in wanted]
        for number, step in enumerate(steps):
            left_s = until - time.time()
            kept_free = sum(later.least_s for later in steps[number + 1 :])
            limit_s = left_s if options.small else min(step.most_s, left_s - kept_free)
            told["steps"][step.name] = taken(step, limit_s, Case(options.small, device, work, "", 0.0), options.out)
            keep(told, options.out)
    print((options.out / "gpu.md").read_text(encoding="utf-8"))
    bad = [name for name, one in told["steps"].items() if one["status"] != "done"]
    if bad:
        sys.exit(f"not done: {', '.join(bad)}; see gpu.md and the logs in {options.out}")


def machine(device: str, out: Path) -> dict[str, Any]:
    """The facts, or the end of it all: without a GPU nothing can be said of one."""
    command = [sys.executable, "-m", "benchmarks.gpu.machine", device]
    with (out / "checks.log").open("w", encoding="utf-8") as log:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=log, text=True, check=False, timeout=START_S)
    if done.returncode:
        sys.exit(f"no facts of {device}; see {out / 'checks.log'}. Without a GPU only --small can be run")
    facts: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return facts


def taken(step: Step, limit_s: float, case: Case, out: Path) -> dict[str, Any]:
    """What came of a step: its status, how long it took, its figures as far as it came."""
    if limit_s < step.least_s and not case.small:
        return {"status": f"not run: {max(0, limit_s):.0f} s were left", "took_s": 0.0, "figures": {}, "left_out": {}}
    result, began = Path(case.work) / f"{step.name}.json", time.time()
    told = Case(case.small, case.device, case.work, str(result), began + limit_s)
    log = out / f"{step.name}.log"
    with log.open("ab") as file:
        status = ended(told.command(step.module), limit_s, file)
    cut(log)
    if status != "done":
        status += f"; {last_line(log)}"
    figures = json.loads(result.read_text(encoding="utf-8")) if result.exists() else {"figures": {}, "left_out": {}}
    return {"status": status, "took_s": round(time.time() - began, 1), **figures}


def ended(command: list[str], limit_s: float, log: Any) -> str:
    """How a program ended; one that takes too long is ended with all that it started."""
    process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        code = process.wait(limit_s)
    except subprocess.TimeoutExpired:
        return f"out of time after {limit_s:.0f} s"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return f"failed with {code}" if code else "done"


def last_line(log: Path) -> str:
    """Of a program that failed: what Python says last."""
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    return next((line[:300] for line in reversed(lines) if line), "it said nothing")


def cut(log: Path) -> None:
    """The end of a log that is too long to be handed on."""
    if log.stat().st_size > MOST_LOG_BYTES:
        log.write_bytes(log.read_bytes()[-MOST_LOG_BYTES:])


def keep(told: dict[str, Any], out: Path) -> None:
    """The figures under the name of the GPU, and the page."""
    atomic.write_text(out / "gpu.json", json.dumps({told["machine"]["gpu"]: told}, indent=1) + "\n")
    atomic.write_text(out / "gpu.md", "\n".join(page(told)) + "\n")


if __name__ == "__main__":
    main()
