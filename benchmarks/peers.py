"""Measures networks beside a plain loop: `python -m benchmarks.peers [--videos FOLDER]` (`make bench-peers`).

Whole commands, in turns: `luigi --module tasks ExtractExpert` in a project of its own, and
benchmarks/peers_plain.py, which stands for `v-iashin/video_features`. Both load the same weights (stand-ins, from
files), and see every frame: clips are put on a clock of 25 frames a second, without being encoded anew. CPU seconds
(user and system, children included) and the peak memory of the largest process, by the kernel's own accounting.
Prints a table, and writes benchmarks/peers.json.
"""

import argparse
import json
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

from benchmarks.extraction import HERE, machine

FPS = 25
TICK_S = Fraction(1, 90_000)
HALF = [0.5, 0.5, 0.5]
EXPERTS: dict[str, dict[str, Any]] = {
    "resnet50": {
        "extractor": "image_classifier",
        "modality": "rgb",
        "params": {"network": "torchvision/resnet50.IMAGENET1K_V1", "dim": 2048, "fps": float(FPS)},
    },
    "i3d": {
        "extractor": "video_classifier",
        "modality": "motion",
        "params": {"network": "i3d", "dim": 1024, "fps": float(FPS), "window": 64, "stride": 64}
        | {"crop_offset": "floor", "mean": HALF, "std": HALF, "epsilon": 1e-5},
        "runtime": {"batch_size": 4},
    },
    "vggish": {"extractor": "vggish", "modality": "audio", "params": {}},
}
EXPERTS["i3d_bf16"] = EXPERTS["i3d"] | {"precision": "bf16"}
NAMES = {
    "resnet50": "ResNet-50, every frame",
    "i3d": "I3D, stacks of 64",
    "i3d_bf16": "I3D in `precision: bf16` (a recipe of its own)",
    "vggish": "VGGish",
}


def prepare(root: Path, videos: list[Path]) -> None:
    """Makes the project: configs, weights, and the videos on their clock."""
    for name in ("configs/experts", "configs/datasets", "data/weights", "videos", "plain"):
        (root / name).mkdir(parents=True)
    for name, config in EXPERTS.items():
        file = f"{network_of(name)}.pth"
        weights = {"network": {"url": f"https://example.org/{file}", "place": file}}
        text = yaml.safe_dump(config | {"weights": weights})
        (root / f"configs/experts/{name}.yaml").write_text(text, encoding="utf-8")
    (root / "configs/datasets/clips.yaml").write_text(f"videos: {root / 'videos'}\n", encoding="utf-8")
    shutil.copy(HERE.parent / "luigi.cfg", root)
    # In a process of its own: the kernel counts no child's peak below what its parent held when it started.
    saving = multiprocessing.get_context("spawn").Process(target=save_weights, args=(root / "data/weights",))
    saving.start()
    saving.join()
    for path in videos:
        retime(path, root / "videos" / f"{path.stem}.mp4")


def network_of(name: str) -> str:
    """The network of one of EXPERTS, which the plain loop runs in float32."""
    return name.removesuffix("_bf16")


def save_weights(folder: Path) -> None:
    """Writes the stand-in weights of the networks."""
    import torch
    from torchvision import models

    from extractors.networks.vggish import VGGish
    from extractors.networks.video_networks import I3D
    from pipeline.weights import seeded

    for name, make in (("resnet50", models.resnet50), ("i3d", lambda: I3D(3)), ("vggish", VGGish)):
        torch.save(seeded.fill(make()).state_dict(), folder / f"{name}.pth")


def retime(source: Path, target: Path) -> None:
    """Writes the streams of a video with its frames FPS a second, as they are encoded."""
    import av

    with av.open(source) as given, av.open(target, "w") as made:
        streams = [given.streams.video[0], *given.streams.audio[:1]]
        copies = {stream.index: made.add_stream_from_template(stream) for stream in streams}
        ratio = Fraction(given.streams.video[0].average_rate or FPS) / FPS
        for packet in given.demux(streams):
            if packet.dts is None or packet.pts is None:
                continue
            if packet.stream.type == "video":
                # In ticks of their own: in those of 30 frames a second, times of 25 would be up to 13 ms off.
                scale = packet.time_base * ratio / TICK_S
                packet.pts, packet.dts = round(packet.pts * scale), round(packet.dts * scale)
                packet.duration, packet.time_base = round((packet.duration or 0) * scale), TICK_S
            packet.stream = copies[packet.stream.index]
            made.mux(packet)


def ours(root: Path, name: str) -> list[str]:
    """The command that extracts an expert, after the results of the last one were deleted."""
    for folder in ("store", "cache"):
        shutil.rmtree(root / "data" / folder, ignore_errors=True)
    return [*_luigi(), "--module", "tasks", "ExtractExpert", "--dataset", "clips", "--expert", name]


def _luigi() -> list[str]:
    return [sys.executable, "-c", "import sys; from luigi.cmdline import luigi_run; sys.exit(luigi_run())"]


def plain(root: Path, name: str) -> list[str]:
    """The command of the plain loop."""
    network, videos = network_of(name), sorted((root / "videos").iterdir())
    weights = root / "data/weights" / f"{network}.pth"
    return [sys.executable, str(HERE / "peers_plain.py"), network, str(weights), str(root / "plain"), *map(str, videos)]


def measured(command: list[str], folder: Path) -> dict[str, float]:
    """CPU seconds of the command with its children, and the peak MB of the largest process of them."""
    paths = os.pathsep.join(filter(None, [str(HERE.parent), os.environ.get("PYTHONPATH")]))
    with (folder / "output.txt").open("wb") as output:
        run = subprocess.Popen(
            command, cwd=folder, env=os.environ | {"PYTHONPATH": paths}, stdout=output, stderr=output
        )
        _, status, usage = os.wait4(run.pid, 0)
        run.returncode = os.waitstatus_to_exitcode(status)
    if run.returncode:
        sys.exit((folder / "output.txt").read_text(encoding="utf-8", errors="replace"))
    return {"cpu_s": round(usage.ru_utime + usage.ru_stime, 2), "peak_mb": round(usage.ru_maxrss / 1024)}


def table(path: Path) -> str:
    """CPU seconds and peak memory of both, and the ratio, as Markdown."""
    told = json.loads(path.read_text(encoding="utf-8"))
    lines = ["| network | CPU s: ours | plain loop | ratio | peak MB: ours | plain loop |"]
    lines.append("| --- |" + " ---: |" * 5)
    for name, rounds in sorted(told["networks"].items(), key=lambda one: list(NAMES).index(one[0])):
        middle = {
            who: {key: statistics.median(run[key] for run in rounds[who]) for key in ("cpu_s", "peak_mb")}
            for who in ("ours", "plain")
        }
        ratio = statistics.median(
            one["cpu_s"] / other["cpu_s"] for one, other in zip(rounds["ours"], rounds["plain"], strict=True)
        )
        lines.append(
            f"| {NAMES[name]} | {middle['ours']['cpu_s']:.1f} | {middle['plain']['cpu_s']:.1f} | {ratio:.2f} "
            f"| {middle['ours']['peak_mb']:,.0f} | {middle['plain']['peak_mb']:,.0f} |"
        )
    where = f"{told['machine']['cpu']}, {told['machine']['cores']} cores"
    numbers = sorted({len(rounds["ours"]) for rounds in told["networks"].values()})
    medians = f"medians of {' or '.join(map(str, numbers))}"
    return "\n".join([*lines, "", f"On {where}; {', '.join(told['videos'])}; {medians}, in turns."])


def main() -> None:
    """Measures, prints the table, and writes the JSON file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--networks", default=",".join(EXPERTS), help="names with commas between")
    parser.add_argument(
        "--videos", type=Path, help="a folder of H.264 videos with sound, in place of two generated ones"
    )
    parser.add_argument("--seconds", type=float, default=16.0, help="length of each of the generated ones")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=HERE / "peers.json")
    options = parser.parse_args()
    networks: dict[str, dict[str, list[dict[str, float]]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        if options.videos:
            videos = sorted(options.videos.glob("*.mp4"))
        else:
            from benchmarks.gpu.videos import clips

            videos = clips(Path(folder), (320, 240), options.seconds, 2)
        prepare(root, videos)
        for name in options.networks.split(","):
            networks[name] = {"ours": [], "plain": []}
            for _ in range(options.rounds):
                networks[name]["ours"].append(measured(ours(root, name), root))
                networks[name]["plain"].append(measured(plain(root, name), root))
    told = {"machine": machine(), "videos": [path.name for path in videos], "networks": networks}
    options.out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print(table(options.out))


if __name__ == "__main__":
    main()
