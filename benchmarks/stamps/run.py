"""Measures retrieval on real things: `python -m benchmarks.stamps.run WORK [--stamps FILE.deb] [--only-residual]`.

WORK becomes a project folder of its own; what is there from an earlier run is used again. The dataset is made, our own
tasks extract, train with five seeds and evaluate, and each test caption is searched for in the index. Prints a table,
and writes benchmarks/stamps.json; then UPDATE_README=1 pytest tests/test_readme.py renews the README's table.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.stamps import dataset, photographs, plain
from benchmarks.stamps.clips import Format
from benchmarks.stamps.dataset import NAME
from benchmarks.stamps.searching import searched
from benchmarks.stamps.table import table
from models.evaluation.report_columns import metrics_with_intervals
from pipeline import project
from pipeline.stores import atomic
from search import config

KEPT = Path(__file__).parents[1] / "stamps.json"
LIGHT, PACKAGED, RESIDUAL = "ce_light", "ce_packaged", "ce_residual"
"""The last one is the second one with `head: residual` and RESIDUAL_EXPERTS."""
RESIDUAL_EXPERTS = ("rgb_lite", "rgb_light", "flow_light", "audio_light")
"""The one of which label words are read, and what else of the second model is neither speech nor writing."""


def main() -> None:
    """Ends with one line where the package is not there or a task fails."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("work", type=Path, metavar="WORK", help="project folder that is made, or gone on with")
    asked.add_argument("--stamps", type=Path, help="the .deb or its unpacked folder; by default the installed package")
    asked.add_argument("--only-residual", action="store_true", help="measure that model alone, and keep other rows")
    options = asked.parse_args()
    if options.stamps is None and not photographs.installed():
        sys.exit(f"no photographs: apt-get install {photographs.PACKAGE}, or name its .deb with --stamps")
    work = options.work.absolute()
    found = dataset.photographs_from(options.stamps, work)
    dataset.write(found, work, Format(), (LIGHT, PACKAGED))
    dataset.write_residual(work, RESIDUAL, PACKAGED, RESIDUAL_EXPERTS)
    residual = residual_rows(evaluate(work, RESIDUAL))
    if options.only_residual:
        figures = json.loads(KEPT.read_text(encoding="utf-8"))
        new = {row["name"] for row in residual}
        figures["rows"] = [row for row in figures["rows"] if row["name"] not in new] + residual
    else:
        reports = {model: evaluate(work, model) for model in (PACKAGED, LIGHT)}
        found_rows = [*rows(work, reports), *residual]
        figures = {"dataset": facts(found), "rows": found_rows, "plain": plain_figures(found, work)}
    atomic.write_text(KEPT, json.dumps(figures, indent=1) + "\n")
    print("\n".join(table(figures)))


def luigi(work: Path, *words: str) -> str:
    """Runs a task in the work folder, shows what it prints, and returns it; ends where the task fails."""
    command = [sys.executable, "-m", "luigi", "--module", "tasks", *words]
    environment = os.environ | {"PYTHONPATH": str(dataset.PROJECT)}
    printed = []
    with subprocess.Popen(command, cwd=work, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            printed.append(line)
    if process.returncode:
        sys.exit(f"{' '.join(words)} failed; what it said stands above")
    return "".join(printed)


def evaluate(work: Path, model: str) -> dict[str, Any]:
    """The report of a model over all seeds."""
    printed = luigi(work, "EvaluateCE", "--dataset", NAME, "--model", model, "--rankings", "false")
    page = next(line.split(": ", 1)[1] for line in printed.splitlines() if line.startswith("Report: "))
    report: dict[str, Any] = json.loads((work / page).with_suffix(".json").read_text(encoding="utf-8"))
    return report


def facts(found: Sequence[photographs.Photograph]) -> dict[str, int]:
    """How many videos there are, in each split and with which sounds."""
    of_split = list(dataset.splits(found).values())
    return {name: of_split.count(name) for name in dataset.SHARES} | {
        "own_sound": sum(one.own_sound is not None for one in found),
        "spoken": sum(one.spoken is not None for one in found),
    }


def rows(work: Path, reports: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """What the README shows, each with its metrics: mean over the seeds and, for recalls, 95 % interval."""
    light, packaged = reports[LIGHT], reports[PACKAGED]
    zero_shot = packaged["untrained"]["label_words"]
    found = [
        {"name": "zero-shot by label words", "seeds": 0, "t2v": zero_shot["t2v"]},
        {"name": "CE on the light experts", "seeds": len(light["seeds"]), "t2v": light["t2v"]},
        {
            "name": "CE on packaged networks",
            "seeds": len(packaged["seeds"]),
            "t2v": packaged["t2v"],
            "above_zero_shot": zero_shot["gain"],
        },
    ]
    for name, option in (("search before any training", ["--untrained"]), ("search, all engines fused", [])):
        luigi(work, "BuildIndex", "--dataset", NAME, "--model", PACKAGED, *option)
        found.append({"name": name, "seeds": 0 if option else 1, "t2v": searched(work)})
    return found


def residual_rows(report: dict[str, Any]) -> list[dict[str, Any]]:
    """What the README shows of the residual model: its start, and what its training adds."""
    zero_shot, start = (report["untrained"][name] for name in ("label_words", "label_words.mean"))
    return [
        {"name": "zero-shot by label words, mean of a video's frames", "seeds": 0, "t2v": start["t2v"]},
        {
            "name": f"CE residual, which begins there, on {', '.join(RESIDUAL_EXPERTS)}",
            "seeds": len(report["seeds"]),
            "t2v": report["t2v"],
            "above_zero_shot": zero_shot["gain"],
            "above_start": start["gain"],
            "kept": list(report["kept"].values()),
        },
    ]


def plain_figures(found: Sequence[photographs.Photograph], work: Path) -> dict[str, Any]:
    """Zero-shot on the photographs themselves, one frame each, all of them in one gallery."""
    place = project.load(str(work))
    ranks = plain.ranks(found, place.configs, place.weights, config.load(place.configs).label_words)
    return {"photographs": len(found), "t2v": metrics_with_intervals([ranks], np.arange(len(found)), len(found))}


if __name__ == "__main__":
    main()
