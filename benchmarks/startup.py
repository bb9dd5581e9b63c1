"""Measures what the short commands take on the demo: `python -m benchmarks.startup` (`make bench-startup`).

CPU seconds, user and system, of each command with the processes that it starts and waits for, and the peak memory of
the largest of them: a query, Status, the table of the experts, the report that is there already, and every --help.
Several rounds, all commands in turn; the median counts. Needs the demo and its index, which are made first where they
are not there (`make demo` takes minutes). Prints the table of benchmarks/README.md, and writes benchmarks/startup.json.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.extraction import HERE, machine

DEMO = ["--dataset", "demo"]
QUERY = ["--query", "a red star turns"]
COMMANDS = {
    "Search": ["Search", *DEMO, *QUERY],
    "Status": ["Status", *DEMO],
    "EvaluateCE (nothing to do)": ["EvaluateCE", *DEMO],
    "ListExperts": ["ListExperts"],
    "CollectGarbage": ["CollectGarbage"],
    "Doctor": ["Doctor"],
}
"""What a row is called -> what is typed behind `luigi --module tasks`."""
HELP = "--help, the slowest of {}"
NEEDS_DEMO = {"Search", "Status", "EvaluateCE (nothing to do)", "CollectGarbage"}


def main() -> None:
    """Measures, prints the table, and writes the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7, help="how often each command is run")
    parser.add_argument("--only", default="", help="names of rows with commas between, and help; by default all")
    parser.add_argument("--data", help="data folder with the demo; by default as luigi.cfg says")
    parser.add_argument("--out", type=Path, default=HERE / "startup.json")
    options = parser.parse_args()
    chosen = options.only.split(",") if options.only else [*COMMANDS, "help"]
    data = [f"--Paths-data={options.data}"] if options.data else []
    typed = {name: [*COMMANDS[name], *data] for name in chosen if name != "help"}
    if NEEDS_DEMO & typed.keys():
        for task in ("EvaluateCE", "BuildIndex"):
            subprocess.run(program([task, *DEMO, *data]), cwd=HERE.parent, check=True)
    figures = summed_up([{name: cost(program(words)) for name, words in typed.items()} for _ in range(options.runs)])
    if "help" in chosen:
        helps = help_commands()
        costs = summed_up([{name: cost(command) for name, command in helps.items()} for _ in range(2)])
        figures[HELP.format(len(helps))] = max(costs.values(), key=lambda one: one["cpu_s"])
    told = {"machine": machine(), "runs": options.runs, "figures": figures}
    options.out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print(table(options.out))


def program(words: list[str]) -> list[str]:
    """The command with which one types a task."""
    return [sys.executable, "-m", "tasks", *words]


def help_commands() -> dict[str, list[str]]:
    """What is asked for its help -> the command: all tasks, what is no task, and the search page."""
    import tasks

    asked = ["", *tasks.__all__, "init", "completion"]
    return {name: program([*filter(None, [name]), "--help"]) for name in asked} | {
        "search": [sys.executable, "-m", "search", "--help"]
    }


def cost(command: list[str]) -> dict[str, float]:
    """CPU seconds and peak memory of a command; its output is dropped, and a failure is an error."""
    with subprocess.Popen(command, cwd=HERE.parent, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as child:
        assert child.stderr is not None
        said = child.stderr.read()
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{' '.join(command)}: exit status {child.returncode}\n{said.decode(errors='replace')}")
    return {"cpu_s": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss / 1024}


def summed_up(rounds: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """The median of each figure over the rounds, and the least and most CPU seconds."""
    figures: dict[str, dict[str, float]] = {}
    for name in rounds[0]:
        cpu_s, peak_mb = ([one[name][figure] for one in rounds] for figure in ("cpu_s", "peak_mb"))
        told = {"cpu_s": statistics.median(cpu_s), "least_s": min(cpu_s), "most_s": max(cpu_s)}
        figures[name] = {figure: round(value, 2) for figure, value in told.items()}
        figures[name]["peak_mb"] = round(statistics.median(peak_mb))
    return figures


def table(path: Path) -> str:
    """CPU seconds and peak memory of each command, as Markdown; the costliest first."""
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    lines = ["| command | CPU s, median | least to most | peak MB |", "| --- | ---: | ---: | ---: |"]
    for name, one in sorted(told["figures"].items(), key=lambda pair: -pair[1]["cpu_s"]):
        spread = f"{one['least_s']:.2f} to {one['most_s']:.2f}"
        lines.append(f"| {name} | {one['cpu_s']:.2f} | {spread} | {one['peak_mb']} |")
    return "\n".join(
        [*lines, "", f"On {told['machine']['cpu']}, {told['runs']} rounds, others busy on the same cores."]
    )


if __name__ == "__main__":
    main()
