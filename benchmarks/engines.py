"""Measures what an engine costs beside the extraction itself: `python benchmarks/engines.py [--rounds N]`.

Extracts the demo (`make demo`) with the light experts, once with each engine and alternately, and reads the CPU seconds
of all processes, Ray's own included. The figure that counts is the CPU time of a video after the start: from when a
third of the rows is published until all are, when each process has done its first chunk. Prints a table, and writes
benchmarks/engines.json.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.stores import store

HERE = Path(__file__).resolve().parent
ENGINES = ("local", "ray")
EXPERTS = "audio_light,face_light,flow_light,ocr_light,rgb_light,scene_light,speech_light"
VIDEOS_PER_CHUNK = 16
SAMPLE_S = 0.2
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Sample:
    """How far a run is."""

    rows: int
    cpu_s: float


def main() -> None:
    """Measures, prints the table, and writes the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", type=Path, default=HERE.parent / "data", help="the data folder that has the demo")
    arguments = parser.parse_args()
    if not (arguments.data / "raw" / "demo" / "captions.csv").exists():
        sys.exit(f"{arguments.data}: no demo there; make demo, or name a data folder with --data")
    rounds = [{engine: measure(engine, arguments.data) for engine in ENGINES} for _ in range(arguments.rounds)]
    names = list(rounds[0][ENGINES[0]])
    figures = {
        engine: {name: statistics.median(one[engine][name] for one in rounds) for name in names} for engine in ENGINES
    }
    overhead = [one["ray"]["later_ms_per_video"] / one["local"]["later_ms_per_video"] - 1 for one in rounds]
    result = {"cores": os.cpu_count(), "figures": figures, "overhead": [round(one, 3) for one in overhead]}
    print(f"{'CPU':8} {'in all, s':>10} {'later, ms a video':>20}")
    for engine, values in figures.items():
        print(f"{engine:8} {values['cpu_s']:10.1f} {values['later_ms_per_video']:20.0f}")
    print("Overhead of ray, later, by round: " + ", ".join(f"{one:+.1%}" for one in overhead))
    (HERE / "engines.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def measure(engine: str, data: Path) -> dict[str, float]:
    """CPU seconds of one run in all, and CPU milliseconds of a video in its last two thirds."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "data"
        copy.mkdir()
        (copy / "raw").symlink_to((data / "raw").resolve())
        run(copy, "BuildManifest")
        samples = sampled(copy, start(copy, "ExtractExpert", "--expert", EXPERTS, "--Engine-name", engine))
    last = samples[-1]
    whole = next(sample for sample in samples if sample.rows == last.rows)
    early = next(sample for sample in samples if sample.rows >= last.rows / 3)
    videos = (whole.rows - early.rows) / len(EXPERTS.split(","))
    return {"cpu_s": last.cpu_s, "later_ms_per_video": 1000 * (whole.cpu_s - early.cpu_s) / videos}


def start(data: Path, *words: str) -> "subprocess.Popen[str]":
    """Starts a task on the demo."""
    settings = data / "settings.cfg"
    settings.write_text(
        f"[Paths]\ndata = {data}\nconfigs = {HERE.parent / 'configs'}\n[Extraction]\ndevice = cpu\n"
        f"videos_per_part = {VIDEOS_PER_CHUNK}\n"
    )
    command = [sys.executable, "-m", "luigi", "--module", "tasks", *words, "--dataset", "demo"]
    environment = os.environ | {"LUIGI_CONFIG_PATH": str(settings)}
    return subprocess.Popen(command, cwd=HERE.parent, env=environment, stdout=subprocess.DEVNULL, text=True)


def run(data: Path, *words: str) -> None:
    """Runs a task on the demo."""
    if code := start(data, *words).wait():
        sys.exit(f"{words[0]} ended with exit code {code}")


def sampled(data: Path, process: "subprocess.Popen[str]") -> list[Sample]:
    """Samples of a run from its start to its end."""
    samples: list[Sample] = []
    spent_s: dict[tuple[int, int], float] = {}
    while process.poll() is None:
        spent_s |= cpu_s_of(process.pid)
        samples.append(Sample(num_rows(data), sum(spent_s.values())))
        time.sleep(SAMPLE_S)
    if process.returncode:
        sys.exit(f"the run ended with exit code {process.returncode}")
    return samples


def num_rows(data: Path) -> int:
    """How many rows are published, of all experts."""
    folders = (data / "store" / "features").glob("*/*")
    return sum(len(store.rows_of(part)) for folder in folders for part in store.parts(folder))


def cpu_s_of(root: int) -> dict[tuple[int, int], float]:
    """(process, its start) -> its CPU seconds, of a process and all that descend from it."""
    fields: dict[int, Any] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields[int(path.parent.name)] = path.read_text().rpartition(")")[2].split()
    found, parents = {}, {root}
    while parents:
        for pid in parents:
            if pid in fields:
                found[pid, int(fields[pid][19])] = (int(fields[pid][11]) + int(fields[pid][12])) / TICKS_PER_S
        parents = {pid for pid, values in fields.items() if int(values[1]) in parents}
    return found


if __name__ == "__main__":
    main()
