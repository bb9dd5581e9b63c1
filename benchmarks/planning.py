"""Measures what planning costs, with no video decoded: `python benchmarks/planning.py [SIZE ...] [--root FOLDER]`.

Makes a collection of so many videos (see planning_collection.py), and measures CPU seconds and peak memory of each
step, each in a process of its own. Whole commands count with the start of Python. Prints a line per step, and writes
benchmarks/planning.json. A million videos take some 10 GB of disk and quarter of an hour; --root FOLDER keeps it.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SIZES = (10_000, 100_000, 1_000_000)
STEPS = ("load", "look", "plan", "features", "index")
COMMANDS = {
    "status": ["Status", "--dataset", "bench"],
    "no-op": ["EvaluateCE", "--dataset", "bench", "--rankings", "false"],
    "garbage": ["CollectGarbage"],
}


def main() -> None:
    """Measures each size, and writes the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sizes", type=int, nargs="*", default=list(SIZES), metavar="SIZE")
    parser.add_argument("--root", type=Path, help="keep the collections here; those that are there are not made anew")
    parser.add_argument("--out", type=Path, default=HERE / "planning.json")
    arguments = parser.parse_args()
    rows = []
    for size in arguments.sizes:
        with tempfile.TemporaryDirectory() as temporary:
            root = (arguments.root or Path(temporary)).resolve() / str(size)
            rows.append({"videos": size, "steps": make(root, size) | measure(root, size)})
    result = {"machine": f"{platform.machine()}, Python {platform.python_version()}", "sizes": rows}
    arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


TOLD = {
    "save": "save the manifest, and look at the folder",
    "load": "load the manifest, with all ids",
    "look": "look at the folder: names, sizes and dates",
    "plan": "plan a report of three seeds: folder, manifest, all rows of seven experts",
    "status": "`Status`",
    "no-op": "`EvaluateCE` with nothing to do",
    "garbage": "`CollectGarbage`",
    "features": "open the training features (of 100,000 videos at most)",
    "index": "open the index",
}


def table(path: Path) -> str:
    """CPU seconds and peak memory of each step at each size, as Markdown."""
    measured = json.loads(path.read_text(encoding="utf-8"))["sizes"]
    lines = [
        "| CPU seconds; peak memory | " + " | ".join(f"{size['videos']:,} videos" for size in measured) + " |",
        "| --- |" + " --- |" * len(measured),
    ]
    for step, told in TOLD.items():
        figures = [size["steps"][step] for size in measured]
        cells = [f"{one['cpu_s']:.1f} s; {one['peak_mb']} MB" for one in figures]
        lines.append(f"| {told} | {' | '.join(cells)} |")
    return "\n".join(lines)


def make(root: Path, size: int) -> dict[str, Any]:
    """Makes the collection unless it is there; figures of saving the manifest."""
    done = root / "made.json"
    if not done.is_file():
        case("make", root, size)
        saved = case("save", root, size)
        for step in ("make_stores", "make_results", "make_index"):
            case(step, root, size)
        done.write_text(json.dumps({"save": saved}), encoding="utf-8")
    figures: dict[str, Any] = json.loads(done.read_text(encoding="utf-8"))
    return figures


def measure(root: Path, size: int) -> dict[str, Any]:
    """Figures of all steps and commands."""
    settings = root / "command.cfg"
    settings.write_text(f"[Paths]\ndata = {root / 'data'}\nconfigs = {root / 'configs'}\n", encoding="utf-8")
    figures = {step: case(step, root, size) for step in STEPS}
    for name, words in COMMANDS.items():
        figures[name] = run(name, ["-m", "luigi", "--module", "tasks", *words], size, LUIGI_CONFIG_PATH=str(settings))[
            0
        ]
    return figures


def case(step: str, root: Path, size: int) -> dict[str, float]:
    """Figures of a step of planning_case.py: its own CPU seconds, and the peak memory of its process."""
    figures, output = run(step, [str(HERE / "planning_case.py"), step, str(root), str(size)], size)
    return figures | json.loads(output.splitlines()[-1])


def run(name: str, words: list[str], size: int, **environment: str) -> tuple[dict[str, float], str]:
    """CPU seconds and peak memory of a Python process, and what it printed; ends the program where it fails."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        process = subprocess.Popen(
            [sys.executable, *words],
            cwd=HERE.parent,
            stdout=output,
            env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
        )
        _, status, usage = os.wait4(process.pid, 0)
        output.seek(0)
        printed = output.read()
    if status:
        sys.exit(f"{name} of {size} videos failed\n{printed}")
    figures = {"cpu_s": round(usage.ru_utime + usage.ru_stime, 2), "peak_mb": usage.ru_maxrss // 1024}
    print(f"{size:9} {name:12} {figures['cpu_s']:8.2f} s {figures['peak_mb']:6} MB", flush=True)
    if name in COMMANDS:
        print(printed, flush=True)
    return figures, printed


if __name__ == "__main__":
    main()
