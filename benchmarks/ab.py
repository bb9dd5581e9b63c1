"""What gating, loss and running mean of the weights are worth on the demo, five seeds each: python benchmarks/ab.py

Needs the demo's features (make demo). Differences are paired over the test videos, seeds averaged. Prints JSON.
"""

import dataclasses
import json
import tempfile
from pathlib import Path

SEEDS = range(5)
CHANGES = {
    "as ce_light": {},
    "parallel gating": {"architecture": {"gating": "parallel"}},
    "no gating": {"architecture": {"gating": "none"}},
    "margin loss": {"training": {"loss": "margin", "margin": 0.2, "temperature": None}},
    "running mean (0.98)": {"training": {"ema": 0.98}},
}


def main() -> None:
    """One line of JSON a change, the first one being what the others are compared with."""
    import numpy as np
    import torch

    from models import checkpoint
    from models.bootstrap import compare
    from models.evaluate import similarities
    from models.inputs import collect
    from models.metrics import caption_ranks, over_seeds, summary
    from models.train import train
    from tasks.plan import Layout, plan

    torch.set_num_threads(1)
    asked = plan(Layout(Path("data"), Path("configs")), "demo")
    sources, base = asked.sources(), asked.model
    splits = {name: collect(sources, name).collection for name in ("train", "val", "test")}
    owners, num_videos = splits["test"].caption_video, splits["test"].num_videos

    def ranks(settings):
        """(S, C) on the test split."""
        found = []
        for seed in SEEDS:
            with tempfile.TemporaryDirectory() as folder:
                train(splits["train"], splits["val"], settings, seed, Path(folder))
                model = checkpoint.load_model(Path(folder))
            found.append(caption_ranks(similarities(model, splits["test"]), owners))
        return np.stack(found)

    first = None
    for name, change in CHANGES.items():
        parts = {part: dataclasses.replace(getattr(base, part), **what) for part, what in change.items()}
        found = ranks(dataclasses.replace(base, **parts))
        first = found if first is None else first
        spread = over_seeds([summary(one) for one in found])
        line = {key: [round(spread[key]["mean"], 1), round(spread[key]["std"], 1)] for key in ("R@1", "R@5", "MnR")}
        difference = compare(first, found, owners, num_videos)["R@1"]
        better = {key: round(value, 3) for key, value in vars(difference).items()}
        print(json.dumps({"change": name} | line | {"R@1 against the first": better}), flush=True)


if __name__ == "__main__":
    main()
