"""Measures fusion on a collection whose answers are known: `make bench-fusion`.

Five seeds of `fusion_collection`, each with its own videos. Compared are each channel alone, fixed fusions, the
selector, and Collaborative Experts by the product's own training, with its own mixture weights and with a selector's.
Nothing is fitted on the test split: the best fixed weights and the selector of the untrained channels are of the
training split, the selector of a network of the validation split. Prints a table, and writes benchmarks/fusion.json;
then UPDATE_README=1 pytest tests/test_readme.py renews the table of docs/results.md.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.fusion_collection import SPEECH, Split, made
from benchmarks.fusion_table import CHANNEL, HAS_NETWORK, table
from models.config import Architecture, ModelConfig, Runtime, TextPool, Training
from models.evaluation.bootstrap import compare
from models.evaluation.evaluate import similarities
from models.evaluation.metrics import Ranks, caption_ranks, summary
from models.fusion.fixed import Start, best_fixed, tiled
from models.fusion.mixture import fit_mixture, selected_scores
from models.fusion.nested import fit
from models.networks.ce import CE
from models.training import checkpoint
from models.training.train import train
from models.zero_shot.aligned import fused
from pipeline.stores import atomic

KEPT = Path(__file__).with_suffix(".json")
SEEDS = 5


@dataclass(frozen=True)
class Measured:
    """One seed."""

    ranks: dict[str, Ranks]
    """Row of the table -> ranks of the test captions."""
    owners: NDArray[np.int64]
    videos: int
    facts: dict[str, Any]


def main() -> None:
    """Prints and writes the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--out", type=Path, default=KEPT)
    options = parser.parse_args()
    seeds = range(options.seeds)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        signal = [
            measured(made(seed), lambda splits, at=seed: networks(splits, at, Path(folder) / str(at))) for seed in seeds
        ]
    # Without a signal the networks would add nothing: whether the selector stays away is asked of the channels.
    none = [measured(made(seed, has_signal=False), lambda splits: ({}, {})) for seed in seeds]
    figures = {"signal": pooled(signal), "none": pooled(none)}
    atomic.write_text(options.out, json.dumps(figures, indent=1) + "\n")
    print("\n".join(table(figures)))


def measured(
    splits: dict[str, Split],
    others: Callable[[dict[str, Split]], tuple[dict[str, NDArray[np.float32]], dict[str, Any]]],
) -> Measured:
    """All rows of one seed; `others` gives the scores of trained networks on the test split, and facts of them."""
    train_split, test = splits["train"], splits["test"]
    channels = len(test.channels)
    even = np.ones(channels)
    best = best_fixed(train_split.examples(even))
    examples, learned = test.examples(best), fit(train_split.examples(best))
    fused = test.lists().fused
    scores = {
        f"{CHANNEL} {name}": fused(tiled(np.eye(channels)[at], examples)) for at, name in enumerate(test.channels)
    }
    scores["even"], scores["fixed"] = fused(tiled(even, examples)), fused(tiled(best, examples))
    selected = learned.selector.weights(examples.lists, examples.base) if learned.selector else examples.base
    scores["selector"] = fused(selected)
    of_networks, facts = others(splits)
    ranks = {name: caption_ranks(found, test.owners) for name, found in (scores | of_networks).items()}
    told = {"weights": best.tolist(), "selector": learned.facts(), **speech(test), **facts}
    return Measured(ranks, test.owners, test.rows.shape[1], told)


def speech(test: Split) -> dict[str, float]:
    """The shares of the captions to which speech is a help or a harm in an even fusion, in percent."""
    examples, without = test.examples(np.ones(len(test.channels))), np.ones(len(test.channels))
    without[SPEECH] = 0
    gain = examples.found(examples.base) - examples.found(tiled(without, examples))
    return {"helps": 100 * float((gain > 0).mean()), "hurts": 100 * float((gain < 0).mean())}


def networks(
    splits: dict[str, Split], seed: int, folder: Path
) -> tuple[dict[str, NDArray[np.float32]], dict[str, Any]]:
    """Row -> scores (C, V) of trained networks on the test split, and what their selectors' fitting found."""
    scores, facts = {}, {}
    scores["start"] = untrained(splits)
    for name, head in HAS_NETWORK.items():
        model = trained(splits, head, seed, folder / name)
        test = splits["test"].collection(model.settings.is_aligned)
        found = fit_mixture(model, splits["val"].collection(model.settings.is_aligned))
        own = scores[name] = similarities(model, test)
        scores[f"{name} selector"] = selected_scores(model, test, found.selector) if found.selector else own
        facts[f"{name} selector"] = found.facts()
        facts[f"{name} kept"] = checkpoint.read_history(folder / name).best.epoch
    return scores, facts


def untrained(splits: dict[str, Split]) -> NDArray[np.float32]:
    """(C, V) scores of the test split with which a residual network begins."""
    begun = Start.of(splits["train"].aligned(), splits["train"].owners)
    return fused(splits["test"].aligned(), begun.calibrations, begun.weights)


def trained(splits: dict[str, Split], head: str, seed: int, folder: Path) -> CE:
    """A network, small, by the product's own training."""
    settings = ModelConfig(
        experts=splits["train"].channels,
        text="planted",
        text_pool=TextPool(0, 0, 1),
        architecture=Architecture(96, "sequential", "mish", batch_norm=True, mask_padding=True, head=head),
        training=Training(
            64, 60, 0.001, 0.1, optimizer="adamw", schedule="cosine", loss="infonce", temperature=0.07, ema=0.95
        ),
        runtime=Runtime("cpu", threads=1, checkpoint_s=600.0),
    )
    of = {name: split.collection(settings.architecture.is_aligned) for name, split in splits.items()}
    train(of["train"], of["val"], settings, seed, folder)
    return checkpoint.load_model(folder)


def pooled(seeds: list[Measured]) -> dict[str, Any]:
    """What is told of all seeds: metrics of each row by seed, and paired differences over the captions of all seeds."""
    names = [name for name in seeds[0].ranks if all(name in seed.ranks for seed in seeds)]
    videos = sum(seed.videos for seed in seeds)
    starts = np.cumsum([0, *(seed.videos for seed in seeds[:-1])])
    owners = np.concatenate([seed.owners + start for seed, start in zip(seeds, starts, strict=True)])
    joined = {name: joined_ranks([seed.ranks[name] for seed in seeds]) for name in names}
    pairs = [
        ("fixed", "selector"),
        *((name, f"{name} selector") for name in HAS_NETWORK),
        *(("fixed", name) for name in HAS_NETWORK),
        ("start", "residual"),
        ("start", "residual selector"),
    ]
    channels = {
        name: [summary(seed.ranks[name]) for seed in seeds if name in seed.ranks]
        for name in dict.fromkeys(name for seed in (seeds[-1], *seeds) for name in seed.ranks)
    }
    return {
        "captions": len(owners),
        "rows": channels,
        "differences": {
            f"{second} - {first}": {
                key: asdict(one) for key, one in compare([joined[first]], [joined[second]], owners, videos).items()
            }
            for first, second in pairs
            if first in joined and second in joined
        },
        "facts": [seed.facts for seed in seeds],
        "equal": sum(same(seed.ranks["fixed"], seed.ranks["selector"]) for seed in seeds),
    }


def joined_ranks(several: list[Ranks]) -> Ranks:
    return Ranks(*(np.concatenate([getattr(one, name) for one in several]) for name in ("above", "wrong", "right")))


def same(one: Ranks, other: Ranks) -> bool:
    """Whether two rows rank every video alike."""
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("above", "wrong", "right"))


if __name__ == "__main__":
    main()
