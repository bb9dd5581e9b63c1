"""Measures what an engine costs beside the extraction itself: `python benchmarks/engines.py [--rounds N]`.

Extracts videos of the demo (`make demo`) with experts that have no networks, beside which the cost of an engine shows
most: with all engines at once, as CPU time depends on what else a machine does. Reads the CPU seconds of all processes,
Ray's own included. What counts is the CPU time of a video after the start: from when a third of the rows is published
until all are, when each process has done its first chunk. Prints a table, and writes benchmarks/engines.json.
"""

import argparse
import json
import os
import shutil
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
EXPERTS = "audio_light,flow_light,rgb_light,scene_light,speech_light"
VIDEOS_PER_CHUNK = 16
VIDEOS = HERE.parent / "data" / "raw" / "demo" / "videos"
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
    parser.add_argument("--count", type=int, default=217, help="how many of the videos")
    parser.add_argument("--per-chunk", type=int, default=VIDEOS_PER_CHUNK, help="videos of a chunk")
    parser.add_argument("--videos", type=Path, default=VIDEOS, help="their folder")
    parser.add_argument("--out", type=Path, default=HERE / "engines.json")
    arguments = parser.parse_args()
    videos = sorted(arguments.videos.resolve().glob("*.mp4"))[: arguments.count]
    if not videos:
        sys.exit(f"{arguments.videos}: no videos there; make demo")
    rounds = [measure(videos, arguments.per_chunk) for _ in range(arguments.rounds)]
    names = list(rounds[0][ENGINES[0]])
    medians = {
        engine: {name: statistics.median(one[engine][name] for one in rounds) for name in names} for engine in ENGINES
    }
    overhead = [one["ray"]["later_ms_per_video"] / one["local"]["later_ms_per_video"] - 1 for one in rounds]
    result = {
        "cores": os.cpu_count(),
        "videos": len(videos),
        "per_chunk": arguments.per_chunk,
        "figures": medians,
        "overhead": [round(one, 3) for one in overhead],
    }
    print(f"{'CPU':8} {'in all, s':>10} {'later, ms a video':>20}")
    for engine, values in medians.items():
        print(f"{engine:8} {values['cpu_s']:10.1f} {values['later_ms_per_video']:20.0f}")
    print("Overhead of ray, later, by round: " + ", ".join(f"{one:+.1%}" for one in overhead))
    arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def measure(videos: list[Path], per_chunk: int) -> dict[str, dict[str, float]]:
    """Engine -> CPU seconds of one run in all, and CPU milliseconds of a video in its last two thirds."""
    with tempfile.TemporaryDirectory() as folder:
        projects = {engine: Path(folder) / engine for engine in ENGINES}
        for project in projects.values():
            prepare(project, videos, per_chunk)
        samples = sampled({project / "data": start(project, engine) for engine, project in projects.items()})
    return {engine: figures(samples[project / "data"]) for engine, project in projects.items()}


def figures(samples: list[Sample]) -> dict[str, float]:
    """The figures of one run."""
    last = samples[-1]
    whole = next(sample for sample in samples if sample.rows == last.rows)
    early = next(sample for sample in samples if sample.rows >= last.rows / 3)
    later = (whole.rows - early.rows) / len(EXPERTS.split(","))
    if not later:
        sys.exit("all rows came at once; take more videos with --count, or fewer in a chunk with --per-chunk")
    return {"cpu_s": last.cpu_s, "later_ms_per_video": 1000 * (whole.cpu_s - early.cpu_s) / later}


def prepare(project: Path, videos: list[Path], per_chunk: int) -> None:
    """Makes a project with these videos, each with its subtitles, and without captions."""
    shutil.copytree(HERE.parent / "configs", project / "configs")
    folder = project / "videos"
    folder.mkdir()
    for video in videos:
        for file in video.parent.glob(f"{video.stem}.*"):
            (folder / file.name).symlink_to(file)
    (project / "configs" / "datasets" / "some.yaml").write_text(f"videos: {folder}\n", encoding="utf-8")
    (project / "luigi.cfg").write_text(
        f"[Paths]\ndata = {project / 'data'}\nconfigs = {project / 'configs'}\n[Extraction]\ndevice = cpu\n"
        f"videos_per_part = {per_chunk}\n",
        encoding="utf-8",
    )


def start(project: Path, engine: str) -> "subprocess.Popen[str]":
    """Starts the extraction."""
    task = ["ExtractExpert", "--dataset", "some", "--expert", EXPERTS, "--Engine-name", engine]
    return subprocess.Popen(
        [sys.executable, "-m", "luigi", "--module", "tasks", *task],
        cwd=HERE.parent,
        env=os.environ | {"LUIGI_CONFIG_PATH": str(project / "luigi.cfg")},
        stdout=subprocess.DEVNULL,
        text=True,
    )


def sampled(runs: dict[Path, "subprocess.Popen[str]"]) -> dict[Path, list[Sample]]:
    """Data folder -> samples of the run that fills it, from its start to its end."""
    samples: dict[Path, list[Sample]] = {data: [] for data in runs}
    spent_s: dict[Path, dict[tuple[int, int], float]] = {data: {} for data in runs}
    while running := [data for data, process in runs.items() if process.poll() is None]:
        for data in running:
            spent_s[data] |= cpu_s_of(runs[data].pid)
            samples[data].append(Sample(num_rows(data), sum(spent_s[data].values())))
        time.sleep(SAMPLE_S)
    if any(process.returncode for process in runs.values()):
        sys.exit("a run failed")
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
