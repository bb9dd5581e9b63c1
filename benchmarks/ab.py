"""Ablates gating, loss and the running mean of the weights on the demo: python benchmarks/ab.py

Each change is tuned separately: the learning rate of a small grid with the best validation score over three seeds; when
the highest rate is the best, a higher one is tried. The test split is then evaluated once with five seeds; differences
are paired over its videos, seeds averaged. Prints a table, and writes benchmarks/ab.json. Needs the demo's features and
the vectors of its captions: luigi --module tasks EvaluateCE --dataset demo --model ce_light
"""

import argparse
import dataclasses
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

RATES = (0.01, 0.03, 0.1, 0.3)
CHANGES = {
    "as ce_light": {},
    "margin loss": {"training": {"loss": "margin", "margin": 0.2, "temperature": None}},
    "parallel gating": {"architecture": {"gating": "parallel"}},
    "no gating": {"architecture": {"gating": "none"}},
    "running mean (0.98)": {"training": {"ema": 0.98}},
}


def main() -> None:
    """Prints and writes one row for each change; the others are compared with the first."""
    import numpy as np
    import torch

    from models.evaluation.bootstrap import compare
    from models.evaluation.evaluate import similarities
    from models.evaluation.metrics import caption_ranks, over_seeds, summary
    from models.inputs.load import collect
    from tasks.plan.layout import Layout
    from tasks.plan.plan import load_plan

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5, help="that are evaluated")
    parser.add_argument("--grid-seeds", type=int, default=3, help="that a learning rate is chosen by")
    parser.add_argument("--rates", type=float, nargs="+", default=RATES)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    seeds, grid_seeds = range(options.seeds), range(options.grid_seeds)
    torch.set_num_threads(1)
    plan = load_plan(Layout(Path("data"), Path("configs")), "demo", "ce_light")
    sources, base = plan.sources(), plan.selection.model
    splits = {name: collect(sources, name).collection for name in ("train", "val", "test")}
    owners, num_videos = splits["test"].caption_video, splits["test"].num_videos
    print(f"{'':22}{'rate':>6}{'validation':>12}{'R@1':>14}{'R@10':>14}  against the first: R@1, 95 % interval, p")
    first, rows = None, []
    for name, change in CHANGES.items():
        settings = changed(base, change)
        grid, means, rates = {}, {}, list(options.rates)
        while rates:
            rate = rates.pop(0)
            grid[rate] = [trained(splits, settings, rate, seed) for seed in grid_seeds]
            means[rate] = float(np.mean([mean for _, mean in grid[rate]]))
            if not rates and means[rate] == max(means.values()):
                rates.append(round(3 * rate, 2))
        rate = max(means, key=means.__getitem__)
        kept = grid[rate] + [trained(splits, settings, rate, seed) for seed in seeds[len(grid_seeds) :]]
        ranks = [caption_ranks(similarities(model, splits["test"]), owners) for model, _ in kept]
        first = ranks if first is None else first
        spread = over_seeds([summary(one) for one in ranks])
        recalls = {key: [round(spread[key][part], 1) for part in ("mean", "std")] for key in ("R@1", "R@5", "R@10")}
        difference = compare(first, ranks, owners, num_videos)["R@1"]
        better = {key: round(value, 3) for key, value in vars(difference).items()}
        tried = {str(one): round(value, 1) for one, value in means.items()}
        rows.append({"change": name, "rate": rate, "validation": tried, **recalls, "R@1 against the first": better})
        comparison = "{mean:+.1f} ({low:+.1f} to {high:+.1f}), p = {p:.3f}".format(**better) if len(rows) > 1 else ""
        scores = "".join(f"{recalls[key][0]:8.1f} ({recalls[key][1]:.1f})" for key in ("R@1", "R@10"))
        print(f"{name:22}{rate:6}{means[rate]:12.1f}{scores}  {comparison}", flush=True)
        result = {"test_videos": num_videos, "test_captions": len(owners), "seeds": len(seeds), "rows": rows}
        options.out.write_text(json.dumps(result, indent=1) + "\n")


def changed(base, change):
    parts = {part: dataclasses.replace(getattr(base, part), **what) for part, what in change.items()}
    return dataclasses.replace(base, **parts)


def trained(splits, settings, rate, seed):
    """(trained network, its geometric mean on the validation split)"""
    from models.training import checkpoint
    from models.training.train import train

    settings = dataclasses.replace(settings, training=dataclasses.replace(settings.training, learning_rate=rate))
    with tempfile.TemporaryDirectory() as folder:
        history = train(splits["train"], splits["val"], settings, seed, Path(folder))
        return checkpoint.load_model(Path(folder)), history.best.metrics["geometric_mean"]


if __name__ == "__main__":
    main()
