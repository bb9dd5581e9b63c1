"""Measures speed and memory of the extraction: `python benchmarks/extraction.py [--experts a,b,...] [--videos FOLDER]`.

For each expert, and for all of them in one pass: speed relative to real time, CPU seconds of the decode workers and of
the main process, and peak memory; and the same of the networks alone, on prepared inputs. Networks run on stand-in
weights, whose values do not change the speed. Prints a table, and writes benchmarks/extraction_<name>.json. Needs the
demo (`make demo`), a folder of videos, or `--size 320x240`: clips that are generated, with a face, a word and motion.
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
LIGHT = "audio_light,face_light,flow_light,ocr_light,rgb_light,scene_light,speech_light"

CASE = "from benchmarks.extraction_case import main; main()"
"""In place of the file itself: like the program's own command, it defines nothing that decode workers would import."""

CLIP_S = 24.0
"""Length of a generated clip."""

MIN_NETWORK_SHARE = 0.05
"""Share of a pass's time; experts below it compute their features in the decode workers."""


def main() -> None:
    """Measures, prints the table, and writes the JSON file."""
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory() as folder:
        measure_all(videos_of(arguments, Path(folder)), arguments)


def videos_of(arguments: argparse.Namespace, folder: Path) -> list[Path]:
    """The videos that were asked for; clips of a size are made in the folder."""
    if arguments.size:
        from benchmarks.gpu.videos import clips

        width, height = map(int, arguments.size.split("x"))
        return list(clips(folder, (width, height), CLIP_S, arguments.count))
    videos = sorted(path for path in Path(arguments.videos).glob("*.*") if path.suffix in (".mp4", ".mkv", ".webm"))
    if not videos:
        sys.exit(f"{arguments.videos}: no videos there; make demo, or name a folder with --videos")
    return videos[: arguments.count]


def measure_all(videos: list[Path], arguments: argparse.Namespace) -> None:
    """Measures each expert, and all in one pass."""
    names = arguments.experts.split(",")
    figures = {name: measure([name], videos, arguments) for name in names}
    if len(names) > 1:
        figures["all in one pass"] = measure(names, videos, arguments)
    result = {"machine": machine(), "videos": len(videos), "video_s": video_seconds(videos), "figures": figures}
    for line in table(result):
        print(line)
    target = arguments.out or HERE / f"extraction_{arguments.name}.json"
    target.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def parse_arguments() -> argparse.Namespace:
    """The command-line arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experts", default=LIGHT, help="names with commas between")
    parser.add_argument("--experts-folder", default=str(HERE.parent / "configs" / "experts"))
    parser.add_argument("--videos", default=str(HERE.parent / "data" / "raw" / "demo" / "videos"))
    parser.add_argument(
        "--size", help="WIDTHxHEIGHT, in place of videos: generated clips, see benchmarks/gpu/videos.py"
    )
    parser.add_argument("--count", type=int, default=48, help="how many of the videos, or clips")
    parser.add_argument("--device", default="cpu", help="cpu or cuda:<n>")
    parser.add_argument("--workers", type=int, default=0, help="decode workers; 0: as the tasks choose")
    parser.add_argument("--name", default="light", help="of the file that is written")
    parser.add_argument("--out", type=Path, help="the file itself, in another place")
    return parser.parse_args()


def measure(names: list[str], videos: list[Path], arguments: argparse.Namespace) -> dict[str, Any]:
    """Figures of the pass and of the networks alone, each measured in a separate process."""
    case = {
        "experts": names,
        "videos": [str(path) for path in videos],
        "experts_folder": arguments.experts_folder,
        "weights": str(HERE.parent / "data" / "weights"),
        "seeded": True,
        "device": arguments.device,
        "workers": arguments.workers,
    }
    print(f"measuring {', '.join(names)}", file=sys.stderr, flush=True)
    return {kind: run(case | {"kind": kind}) for kind in ("pass", "networks")}


def run(case: dict[str, Any]) -> dict[str, float]:
    """The figures of one case, see extraction_case.py."""
    command = [sys.executable, "-c", CASE, json.dumps(case)]
    paths = os.pathsep.join(filter(None, [str(HERE.parent), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=False, env=os.environ | {"PYTHONPATH": paths}
    )
    if done.returncode:
        sys.exit(f"{case['kind']} of {', '.join(case['experts'])} failed")
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def video_seconds(videos: list[Path]) -> float:
    """The total duration of the videos."""
    from pipeline.media.video import probe

    return sum(probe(path).duration_s for path in videos)


def machine() -> dict[str, Any]:
    """The hardware and the version of torch."""
    import torch

    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none"
    model = next((line for line in _cpuinfo() if line.startswith("model name")), platform.processor())
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"cpu": model.partition(":")[2].strip() or model, "cores": cores, "gpu": gpu, "torch": torch.__version__}


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def table(result: dict[str, Any]) -> list[str]:
    """The lines of the Markdown table in the README."""
    heads = ("expert", "times real time", "items/s", "CPU s a minute of video: decode workers", "networks")
    heads += ("pass to networks", "peak MB: process, worker")
    rows = [f"| {' | '.join(heads)} |", "|" + " --- |" * len(heads)]
    minutes = result["video_s"] / 60
    for name, figures in result["figures"].items():
        whole, alone = figures["pass"], figures["networks"]
        has_network = alone["wall_s"] > MIN_NETWORK_SHARE * whole["wall_s"]
        ratio = f"{whole['wall_s'] / alone['wall_s']:.2f}" if has_network else ""
        rows.append(
            f"| {name} | {result['video_s'] / whole['wall_s']:.1f} | {alone['items'] / whole['wall_s']:.1f} "
            f"| {whole['workers_cpu_s'] / minutes:.1f} | {whole['main_cpu_s'] / minutes:.1f} | {ratio} "
            f"| {whole['main_mb']:.0f}, {whole['worker_mb']:.0f} |"
        )
    return rows


if __name__ == "__main__":
    main()
