"""Training steps a second of CE at the real dimensions of MSR-VTT, on made-up features: python benchmarks/training.py

Nine experts, 183.45 million parameters, Ranger, one thread. `--seven` takes the seven experts (146 million parameters)
on which the original was measured. Needs some 5 GB of memory. Prints JSON.
"""

import argparse
import itertools
import json
import platform
import resource
import time

VLAD = {"audio": (128, 8, 29), "ocr": (300, 43, 49), "speech": (300, 19, 32)}
POOLED = {
    "face": 512, "i3d": 1024, "resnext101": 2048, "senet154": 2048, "r2p1d": 512, "scene": 2208,
}  # fmt: skip
SEVEN = ("audio", "face", "i3d", "senet154", "ocr", "scene", "speech")
WARM_UP = 2


def main() -> None:
    """One line of JSON a setting."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--steps", type=int, default=6)
    asked.add_argument("--batch", type=int, nargs="+", default=[64, 128])
    asked.add_argument("--gating", nargs="+", default=["sequential", "parallel"])
    asked.add_argument("--videos", type=int, default=6513)
    asked.add_argument("--device", default="cpu")
    asked.add_argument("--precision", default="fp32")
    asked.add_argument("--seven", action="store_true")
    options = asked.parse_args()
    import torch

    if options.device == "cpu":
        torch.set_num_threads(1)
    data = collection(options.videos, SEVEN if options.seven else (*VLAD, *POOLED))
    for gating in options.gating:
        for batch in options.batch:
            print(json.dumps(measure(data, gating, batch, options)), flush=True)


def collection(num_videos, names):
    """Features of the real dimensions, of which a third of the videos lacks face, audio, ocr or speech."""
    import numpy as np

    from models.batches import Collection
    from models.config import ExpertInput, TextInput
    from pipeline.ragged import Ragged

    chance = np.random.default_rng(0)

    def ragged(dim, counts):
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return Ragged(chance.standard_normal((offsets[-1], dim), np.float32), offsets)

    experts, features = [], {}
    for name in names:
        seen = chance.random(num_videos) < 0.7 if name in {"audio", "face", "ocr", "speech"} else np.ones(num_videos)
        if name in VLAD:
            dim, clusters, tokens = VLAD[name]
            experts.append(ExpertInput(name, dim, "vlad", clusters, tokens))
            features[name] = ragged(dim, chance.integers(1, tokens, num_videos) * seen.astype(int))
        else:
            experts.append(ExpertInput(name, POOLED[name]))
            features[name] = ragged(POOLED[name], seen.astype(int))
    words = ragged(768, chance.integers(5, 20, num_videos))
    return Collection(tuple(experts), TextInput(768, 28, 1, 37), features, words, np.arange(num_videos))


def measure(data, gating, batch, options):
    """Steps a second and CPU seconds a step of one setting, after a warm-up."""
    import torch

    from models import run as runs
    from models.batches import Data, epoch
    from models.config import Architecture, ModelConfig, Runtime, TextPool, Training
    from models.hardware import choose
    from models.train import _step

    settings = ModelConfig(
        tuple(expert.name for expert in data.experts), "openai", TextPool(28, 1, 37),
        Architecture(768, gating, "mish", batch_norm=True, mask_padding=False),
        Training(batch, 1, 0.1, 1e-3, "ranger", "step", "margin", gamma=0.95, margin=0.0938),
        runtime=Runtime(options.device, options.precision),
    )  # fmt: skip
    hardware = choose(settings.runtime)
    run = runs.start(data, settings, 0, hardware)
    there = Data(data, hardware.device, trim=False)
    run.model.train()
    batches = (one for _ in itertools.repeat(None) for one in epoch(there, batch, run.generator))
    for _ in range(WARM_UP):
        _step(run, next(batches), 0.1)

    def synchronise():
        if hardware.device.type == "cuda":
            torch.cuda.synchronize()

    synchronise()
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(options.steps):
        _step(run, next(batches), 0.1)
    synchronise()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    parameters = sum(param.numel() for param in run.model.parameters())
    return {
        "experts": len(data.experts), "parameters_million": round(parameters / 1e6, 2), "gating": gating,
        "batch": batch, "device": options.device, "steps_per_s": round(options.steps / wall, 3),
        "cpu_s_per_step": round(cpu / options.steps, 3), "steps_per_cpu_s": round(options.steps / cpu, 3),
        "epoch_s": round(wall / options.steps * -(-options.videos // batch), 1),
        "peak_rss_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        "torch": torch.__version__, "machine": platform.processor() or platform.machine(),
    }  # fmt: skip


if __name__ == "__main__":
    main()
