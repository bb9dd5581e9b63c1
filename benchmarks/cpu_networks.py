"""Measures ways of computing the same sums on a CPU: `python -m benchmarks.cpu_networks` (`make bench-networks`).

Networks on stand-in weights, whole, channels last: as PyTorch computes them, and with what `extractors/networks/` puts
in the place of some of their layers: convolutions over clips (`clip_convolutions.py`), and linear layers (`linear.py`,
on AMD's processors with AVX-512 alone). In turns, on all threads; CPU seconds an item, medians; and by how much the
outputs differ. Freed memory is kept, as in a pass. Prints the table of benchmarks/README.md, and writes
benchmarks/cpu_networks.json.
"""

import argparse
import copy
import json
import resource
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.extraction import HERE, machine
from pipeline.running.cpu import freed_memory_kept, prepare_for_networks


def cases() -> dict[str, tuple[Callable[[], Any], tuple[int, ...], Callable[[Any, Any], Any]]]:
    """What a row is called -> what makes the network, the shape of its input, and how it is asked for its output."""
    import transformers
    import whisper
    from torchvision.models import video

    from extractors.networks.video_networks import I3D

    def plain(network: Any, items: Any) -> Any:
        return network(items)

    sizes = whisper.model.ModelDimensions(80, 1500, 512, 8, 6, 51865, 448, 512, 8, 6)
    return {
        "I3D, 64 frames": (lambda: I3D(3), (1, 3, 64, 224, 224), plain),
        "R(2+1)D-18, 16 frames": (video.r2plus1d_18, (1, 3, 16, 112, 112), plain),
        "S3D, 16 frames": (video.s3d, (1, 3, 16, 224, 224), plain),
        "MViT-v2-S, 16 frames": (video.mvit_v2_s, (1, 3, 16, 224, 224), plain),
        "CLIP ViT-B/16, a picture": (
            lambda: transformers.CLIPVisionModelWithProjection(transformers.CLIPVisionConfig(patch_size=16)),
            (8, 3, 224, 224),
            lambda network, items: network(items).image_embeds,
        ),
        "BERT, 12 layers, 20 tokens": (
            lambda: transformers.BertModel(transformers.BertConfig()),
            (16, 20),
            lambda network, items: network(items.abs().mul(1000).long()).pooler_output,
        ),
        "Whisper base, its encoder, 30 s": (lambda: whisper.model.Whisper(sizes).encoder, (1, 80, 3000), plain),
    }


def main() -> None:
    """Measures, prints the table, and writes the JSON file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="what the names of the networks contain")
    parser.add_argument("--out", type=Path, default=HERE / "cpu_networks.json")
    options = parser.parse_args()
    prepare_for_networks()
    with freed_memory_kept():
        rows = {
            name: measure(*case, options.rounds)
            for name, case in cases().items()
            if options.only.lower() in name.lower()
        }
    told = {"machine": machine(), "rounds": options.rounds, "networks": rows}
    options.out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print(table(options.out))


def measure(
    make: Callable[[], Any], shape: tuple[int, ...], ask: Callable[[Any, Any], Any], rounds: int
) -> dict[str, float]:
    """CPU seconds an item of both ways, and the largest difference relative to the largest output."""
    import torch
    from whisper.model import Linear

    from extractors.networks import placing
    from extractors.networks.linear import with_fast_linear
    from pipeline.weights import seeded

    torch.manual_seed(0)
    items, network = torch.randn(shape), seeded.fill(make())
    faster = with_fast_linear(placing.network_to_device(copy.deepcopy(network), "cpu"), [Linear])
    with patch(f"{placing.__name__}.to_device", lambda network, device: network.eval().requires_grad_(False)):
        plain = placing.network_to_device(network, "cpu")
    times: dict[str, list[float]] = {"plain_s": [], "ours_s": []}
    with torch.inference_mode():
        expected, found = ask(plain, items), ask(faster, items)
        for _ in range(rounds):
            times["plain_s"].append(cpu_s(lambda: ask(plain, items)))
            times["ours_s"].append(cpu_s(lambda: ask(faster, items)))
    difference = float((found - expected).abs().max() / expected.abs().max())
    return {name: statistics.median(all_s) / len(items) for name, all_s in times.items()} | {"difference": difference}


def cpu_s(work: Callable[[], Any]) -> float:
    """CPU seconds of all threads."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def table(path: Path) -> str:
    """What was measured, as Markdown."""
    told = json.loads(path.read_text(encoding="utf-8"))
    lines = ["| network, an item | PyTorch's layers: CPU s | ours | times | largest difference |"]
    lines.append("| --- |" + " ---: |" * 4)
    for name, row in told["networks"].items():
        times = row["plain_s"] / row["ours_s"]
        lines.append(f"| {name} | {row['plain_s']:.3f} | {row['ours_s']:.3f} | {times:.2f} | {row['difference']:.0e} |")
    where = f"{told['machine']['cpu']}, {told['machine']['cores']} cores"
    return "\n".join([*lines, "", f"On {where}; medians of {told['rounds']} rounds, in turns."])


if __name__ == "__main__":
    main()
