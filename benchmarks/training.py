"""Measures a training step of CE at the real dimensions of MSR-VTT, on random features: `make bench-train`.

Nine experts, 183.45 million parameters, 6,513 videos, Ranger, as released. On a CPU it runs on one thread and reports
CPU seconds, which depend little on other load; on a GPU (`--device cuda`) it reports seconds. A re-implementation of
the original's computation (restated.py) runs in turn with it on the same weights; their scores are compared first. In
turn with both runs what no step can do without (training_floor.py): its matrix products, and one pass over the
optimiser's memory. Needs about 6 GB of memory. `--seven` takes the seven experts (146 million parameters) on which the
original itself was measured once. Prints a table and writes benchmarks/training.json, a result for each CPU.
"""

import argparse
import itertools
import json
import resource
import sys
import time
from contextlib import nullcontext
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

VLAD = {"audio": (128, 8, 29), "ocr": (300, 43, 49), "speech": (300, 19, 32)}
POOLED = {
    "face": 512, "i3d": 1024, "resnext101": 2048, "senet154": 2048, "r2p1d": 512, "scene": 2208,
}  # fmt: skip
SEVEN = ("audio", "face", "i3d", "senet154", "ocr", "scene", "speech")
MARGIN, RATE, TURNS = 0.0938, 0.1, 2
EARLY = 6
"""Steps that count as taken: the first ones of RAdam do without the second moment, and cost otherwise."""


def main() -> None:
    """Prints and writes one row for each gating, precision and batch size."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=6, help="timed in each turn, after one that is not")
    parser.add_argument("--batch", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--gating", nargs="+", default=["sequential", "parallel"])
    parser.add_argument("--precision", nargs="+", default=["fp32", "bf16"])
    parser.add_argument("--videos", type=int, default=6513)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seven", action="store_true")
    parser.add_argument("--experts", nargs="+", choices=(*VLAD, *POOLED), help="fewer of them, for less memory")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    import torch

    from tasks.plan.plan import TRAIN_VERSION

    if options.device == "cpu":
        torch.set_num_threads(1)
    data = collection(options.videos, options.experts or (SEVEN if options.seven else (*VLAD, *POOLED)))
    rows = []
    unit = "CPU s" if options.device == "cpu" else "s"
    head = f"{unit + '/step':>12}{'step/' + unit:>12}{unit + '/epoch':>13}{'restated':>20}{'floor':>20}"
    print(f"{'gating':12}{'precision':11}{'batch':>6}{head}", flush=True)
    for gating, precision, batch in itertools.product(options.gating, options.precision, options.batch):
        rows.append(row := measure(data, gating, precision, batch, options))
        restated = f"{row['restated_s_per_step']:.2f} ({row['times']:.2f} times)" if "times" in row else ""
        floor = f"{row['floor_s']:.2f} ({row['above_floor']:.2f} times)" if "floor_s" in row else ""
        numbers = f"{row['s_per_step']:12.3f}{row['steps_per_s']:12.2f}{row['epoch_s']:13.1f}"
        print(f"{gating:12}{precision:11}{batch:6}{numbers}{restated:>20}{floor:>20}", flush=True)
    result = {"experts": len(data.experts), "videos": options.videos, "device": device(options.device)}
    result["train_version"] = TRAIN_VERSION
    result |= {"seconds": unit, "torch": torch.__version__, "peak_rss_gb": peak_gb(), "rows": rows}
    if not options.seven and options.device == "cpu":
        write(result, options.out)


def write(result, path):
    """Keeps the result beside those of other machines, in place of this one's last."""
    kept = json.loads(path.read_text())["machines"] if path.exists() else []
    others = [one for one in kept if one["device"] != result["device"]]
    machines = sorted([*others, result], key=lambda one: one["device"])
    path.write_text(json.dumps({"machines": machines}, indent=1) + "\n")


def table(path: Path) -> str:
    """What was measured on each CPU, as Markdown."""
    lines = [
        "| machine, one thread | version | gating, precision | batch | CPU s a step | original | times | floor |",
        "| --- | ---: | --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for result in json.loads(path.read_text(encoding="utf-8"))["machines"]:
        for row in result["rows"]:
            original = f"{row['restated_s_per_step']:.2f} | {row['times']:.2f}" if "times" in row else " | "
            floor = ""
            if "floor_s" in row:
                floor = f"{row['products_s']:.2f} + {row['optimiser_pass_s']:.2f}; {row['above_floor']:.2f} times it"
            lines.append(
                f"| {result['device'].split(',')[0]} | {result['train_version']} | {row['gating']}, {row['precision']} "
                f"| {row['batch']} | {row['s_per_step']:.2f} | {original} | {floor} |"
            )
    return "\n".join(lines)


def collection(num_videos, names):
    """Random features of the real dimensions; face, audio, ocr and speech are each missing for 30 % of the videos."""
    import numpy as np

    from models.inputs.batches import Collection
    from models.network_inputs import ExpertInput, TextInput
    from pipeline.stores.ragged import Ragged

    rng = np.random.default_rng(0)

    def ragged(dim, counts):
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return Ragged(rng.standard_normal((offsets[-1], dim), np.float32), offsets)

    experts, features = [], {}
    for name in names:
        present = rng.random(num_videos) < 0.7 if name in {"audio", "face", "ocr", "speech"} else np.ones(num_videos)
        if name in VLAD:
            dim, clusters, tokens = VLAD[name]
            experts.append(ExpertInput(name, dim, "vlad", clusters, tokens))
            features[name] = ragged(dim, rng.integers(1, tokens, num_videos) * present.astype(int))
        else:
            experts.append(ExpertInput(name, POOLED[name]))
            features[name] = ragged(POOLED[name], present.astype(int))
    words = ragged(768, rng.integers(5, 20, num_videos))
    return Collection(tuple(experts), TextInput(768, 28, 1, 37), features, words, np.arange(num_videos))


def measure(data, gating, precision, batch, options):
    """The row of one setting; on a CPU with the floor, and for fp32 and sequential gating the time of restated.py."""
    import torch

    from benchmarks import restated, training_floor
    from models.inputs.batches import Data, epoch
    from models.training.train import train_step
    from pipeline.running.cpu import freed_memory_kept

    run = start(data, gating, precision, batch, options.device)
    run.optimizer.steps = EARLY
    on_device = Data(data, run.hardware.device, trim=False)
    batches = (one for _ in itertools.repeat(None) for one in epoch(on_device, batch, run.generator))
    steps = {"ours": (lambda: train_step(run, next(batches), RATE), freed_memory_kept)}
    row = {
        "parameters_million": round(sum(param.numel() for param in run.model.parameters()) / 1e6, 2),
        "gating": gating, "precision": precision, "batch": batch,
    }  # fmt: skip
    if options.device == "cpu":
        with training_floor.Products() as products:
            train_step(run, next(batches), RATE)
        steps["products"] = (products.again(), freed_memory_kept)
        steps["walk"] = (lambda: training_floor.walk(run.optimizer), nullcontext)
    if (gating, precision, options.device) == ("sequential", "fp32", "cpu"):
        rows = iter(torch.randperm(options.videos).repeat(99).split(batch))
        row["apart"] = restated.check(run.model, data, next(rows).tolist())
        if row["apart"] > 5e-6:
            sys.exit(f"the scores of the re-statement differ from ours by {row['apart']}")
        steps["restated"] = (lambda: restated.step(run, data, next(rows).tolist(), MARGIN, RATE), nullcontext)
    seconds = dict.fromkeys(steps, 0.0)
    for _, (name, (step, context)) in itertools.product(range(TURNS), steps.items()):
        with context():
            seconds[name] += timed(step, options.steps, run.hardware.device) / (TURNS * options.steps)
    seconds["walk"] = seconds.get("walk", 0) * training_floor.passes(run.optimizer)
    return row | told(seconds, -(-options.videos // batch))


def told(seconds, per_epoch):
    """The figures of a row, from the seconds of a step and of what ran in turn with it."""
    ours = seconds["ours"]
    row = {"s_per_step": round(ours, 4), "steps_per_s": round(1 / ours, 3), "epoch_s": round(ours * per_epoch, 1)}
    if "products" in seconds:
        floor = seconds["products"] + seconds["walk"]
        row |= {"products_s": round(seconds["products"], 4), "optimiser_pass_s": round(seconds["walk"], 4)}
        row |= {"floor_s": round(floor, 4), "above_floor": round(ours / floor, 2)}
    if "restated" in seconds:
        original = seconds["restated"]
        row |= {"restated_s_per_step": round(original, 4), "times": round(original / ours, 2)}
    return row


def start(data, gating, precision, batch, device):
    from models.architecture import Architecture
    from models.config import ModelConfig, Runtime, TextPool, Training
    from models.training import run as runs
    from models.training.hardware import choose

    settings = ModelConfig(
        tuple(expert.name for expert in data.experts), "openai",
        Architecture(768, gating, "mish", batch_norm=True, mask_padding=False), TextPool(28, 1, 37),
        Training(batch, 1, RATE, 1e-3, "ranger", "step", "margin", gamma=0.95, margin=MARGIN,
                 precision=precision),
        runtime=Runtime(device),
    )  # fmt: skip
    run = runs.start(data, settings, 0, choose(settings.runtime, settings.training))
    run.model.train()
    return run


def timed(step, steps, device):
    """Seconds of `steps` steps (on a CPU: CPU seconds), after a warm-up step."""
    import torch

    def now():
        if device.type == "cpu":
            return time.process_time()
        torch.cuda.synchronize()
        return time.perf_counter()

    step()
    start_s = now()
    for _ in range(steps):
        step()
    return now() - start_s


def device(name):
    """The name of the GPU or CPU."""
    import torch

    if name != "cpu":
        return torch.cuda.get_device_name(name)
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), "CPU") + ", one thread"


def peak_gb():
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)


if __name__ == "__main__":
    main()
