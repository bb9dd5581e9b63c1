"""Measures what adding videos costs as a collection grows: `python -m benchmarks.growth` (`make bench-growth`).

Adds 100 videos with captions to a collection of 10,000, and the same 100 to an empty project: CPU seconds, of all
processes, of each stage as a command of its own, and of one command that does all of it. In turns, --rounds times, with
other videos each time; the medians count. The first 10,000 are listed, their captions encoded and their index built by
the program itself; their features are copies of a few that it has extracted (growth_collection.py). The model is
trained on another dataset, so that it stays as it is. Prints the table of benchmarks/README.md, and writes
benchmarks/growth.json. The less the experts take of a video, the more all else counts: --experts names others than the
seven light ones.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.extraction import HERE, LIGHT, machine
from benchmarks.growth_collection import GROWN, KINDS, Grown

EXPERTS = "{experts}"
"""In a command, in place of their names."""
TRAINED = ("--trained-on", KINDS)
STAGES = {
    "manifest": ("BuildManifest",),
    "features": ("ExtractExpert", "--expert", EXPERTS),
    "text": ("EncodeText",),
    "index": ("BuildIndex", "--untrained"),
    "trained index": ("BuildIndex", *TRAINED),
}
WHOLE = {"all, untrained": ("BuildIndex", "--untrained"), "all, trained": ("BuildIndex", *TRAINED)}
AGAIN = "nothing to do"
TOLD = {
    "manifest": "`BuildManifest`",
    "features": "`ExtractExpert`",
    "text": "`EncodeText`",
    "index": "`BuildIndex --untrained`",
    "trained index": "`BuildIndex --trained-on`",
    AGAIN: "the same again: nothing to do",
    "all, untrained": "**all of it by `BuildIndex --untrained`**",
    "all, trained": "**all of it by `BuildIndex --trained-on`**",
}


def main() -> None:
    """Measures, prints the table, and writes the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=10_000, help="videos that are there before")
    parser.add_argument("--added", type=int, default=100, help="videos that are added")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--experts", default=LIGHT, help="names with commas between")
    parser.add_argument(
        "--root", type=Path, help="keep the grown collection here, and go on with the one that is there"
    )
    parser.add_argument("--out", type=Path, default=HERE / "growth.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root = (options.root or Path(temporary)).resolve()
        result = measure(root, tuple(options.experts.split(",")), options.size, options.added, options.rounds)
    told = {"machine": machine(), "experts": options.experts, "size": options.size, "added": options.added}
    options.out.write_text(json.dumps(told | result, indent=1) + "\n", encoding="utf-8")
    print(table(options.out))


def measure(root: Path, experts: tuple[str, ...], size: int, added: int, rounds: int) -> dict[str, Any]:
    """{first: CPU seconds of each step with the first videos, rounds: of each the seconds of `alone` and `grown`}."""
    grown, kinds, done = Grown(root / "grown", experts), root / "kinds", root / "made.json"
    if not done.exists():
        done.write_text(json.dumps({"first": make(grown, kinds, size), "next": size}), encoding="utf-8")
    made = json.loads(done.read_text(encoding="utf-8"))
    measured = []
    for turn in range(rounds):
        several: dict[str, dict[str, float]] = {"alone": {}, "grown": {}}
        for steps in (STAGES | {AGAIN: STAGES["trained index"]}, *({name: words} for name, words in WHOLE.items())):
            numbers = range(made["next"], made["next"] + added)
            made["next"] += added
            done.write_text(json.dumps(made), encoding="utf-8")
            for name in ("alone", "grown") if turn % 2 else ("grown", "alone"):
                project = grown if name == "grown" else fresh(Grown(root / "alone", experts), kinds)
                project.add(numbers)
                several[name] |= {step: run(project, *words) for step, words in steps.items()}
        measured.append(several)
        print(json.dumps(several), flush=True)
    return {"first": made["first"], "rounds": measured}


def make(grown: Grown, kinds: Path, size: int) -> dict[str, float]:
    """Makes the project with its first videos; CPU seconds of each step that the program takes."""
    grown.make(kinds)
    first = {"kinds": run(grown, "TrainCE", "--seed", "0", dataset=KINDS)}
    grown.add(range(size))
    first["manifest"] = run(grown, *STAGES["manifest"])
    grown.plant()
    return first | {step: run(grown, *STAGES[step]) for step in ("text", "index", "trained index")}


def fresh(project: Grown, kinds: Path) -> Grown:
    """The project as it is with the trained model, and without any video of GROWN."""
    kept = project.root.with_name("alone-trained")
    if not kept.exists():
        project.make(kinds)
        run(project, "TrainCE", "--seed", "0", dataset=KINDS)
        shutil.copytree(project.root, kept)
    shutil.rmtree(project.root)
    shutil.copytree(kept, project.root)
    return project


def run(project: Grown, *words: str, dataset: str = GROWN) -> float:
    """CPU seconds of a command and all its processes; ends the program where it fails."""
    words = tuple(word.format(experts=",".join(project.experts)) for word in words)
    settings = project.root / "command.cfg"
    layout = project.layout
    settings.write_text(
        f"[Paths]\ndata = {layout.data}\nconfigs = {layout.configs}\n[Extraction]\nworkers = 1\ndevice = cpu\n",
        encoding="utf-8",
    )
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "luigi", "--module", "tasks", *words, "--dataset", dataset],
            cwd=HERE.parent,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | {"OMP_NUM_THREADS": "1", "LUIGI_CONFIG_PATH": str(settings)},
        )
        _, status, usage = os.wait4(process.pid, 0)
        output.seek(0)
        printed = output.read()
    if status:
        sys.exit(f"{words} failed\n{printed}")
    seconds = round(usage.ru_utime + usage.ru_stime, 2)
    print(f"{project.root.name:8} {' '.join(words[:2]):40} {seconds:8.2f} s", flush=True)
    return seconds


def table(path: Path) -> str:
    """Median CPU seconds of each stage, alone and grown, as Markdown."""
    measured = json.loads(path.read_text(encoding="utf-8"))
    size, added = f"{measured['size']:,}", f"{measured['added']:,}"
    lines = [
        f"| CPU seconds | {added} videos alone | {added} added to {size} | times |",
        "| --- | ---: | ---: | ---: |",
    ]
    for step, told in TOLD.items():
        alone, grown = (statistics.median(one[name][step] for one in measured["rounds"]) for name in ("alone", "grown"))
        lines.append(f"| {told} | {alone:.1f} | {grown:.1f} | {grown / alone:.2f} |")
    cpu = measured["machine"]["cpu"]
    experts = measured["experts"].replace(",", ", ")
    count = len(measured["rounds"])
    rounds = f"{f'medians of {count} rounds' if count > 1 else 'one round'} in turns, others busy on the same cores"
    lines += ["", f"Experts: {experts}. On {cpu}, {rounds}."]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
