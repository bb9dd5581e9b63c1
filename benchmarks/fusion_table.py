"""The figures of `fusion.py` as the manual shows them. Needs no library."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHANNEL = "alone:"
HAS_NETWORK = {"ce": "learned", "residual": "residual"}
"""Networks that are trained, each with a row of its own and one with a selector, and their heads."""
LABELS = {
    "even": "untrained fusion, even weights",
    "fixed": "untrained fusion, best fixed weights",
    "selector": "the same with the selector",
    "ce": "CE",
    "ce selector": "CE with the selector",
    "start": "untrained fusion, calibrated, fixed weights: the start of CE residual",
    "residual": "CE residual",
    "residual selector": "CE residual with the selector",
}
METRICS = ("R@1", "R@5", "R@10", "MdR")


def table(figures: dict[str, Any]) -> list[str]:
    """A way of searching a line, mean and range over the seeds; then the paired differences, and without a signal."""
    signal = figures["signal"]
    lines = ["| | R@1 | R@5 | R@10 | MdR |", "| --- | --- | --- | --- | --- |"]
    for name, seeds in sorted(signal["rows"].items(), key=lambda row: not row[0].startswith(CHANNEL)):
        label = LABELS.get(name, f"{name.removeprefix(CHANNEL).strip()} alone, untrained")
        lines.append(f"| {' | '.join((label, *cells(seeds)))} |")
    return [*lines, "", *said(figures)]


def cells(seeds: list[dict[str, float]]) -> Iterator[str]:
    """Each metric as its mean over the seeds, with the lowest and the highest."""
    for name in METRICS:
        values = [seed[name] for seed in seeds]
        yield f"{sum(values) / len(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def said(figures: dict[str, Any]) -> Iterator[str]:
    """The differences in R@1 with their intervals, and how often the selector stays away without a signal."""
    signal, none = figures["signal"], figures["none"]
    facts = signal["facts"]
    helps, hurts = (sum(seed[name] for seed in facts) / len(facts) for name in ("helps", "hurts"))
    told = []
    for pair, metrics in signal["differences"].items():
        (second, first), one = pair.split(" - "), metrics["R@1"]
        spread = f"{one['mean']:+.1f} ({one['low']:+.1f} to {one['high']:+.1f})"
        told.append(f"{LABELS[second]} over {LABELS[first]} {spread}")
    yield f"In an even fusion speech helps {helps:.0f} % of the captions and hurts {hurts:.0f} %. Paired differences in"
    yield f"R@1 over {signal['captions']} captions of {len(facts)} seeds, with 95 % intervals: {'; '.join(told)}."
    pairs = list(zip(signal["rows"]["start"], signal["rows"]["residual"], strict=True))
    below = sum(after["R@1"] < before["R@1"] for before, after in pairs)
    same, seeds = sum(seed["residual kept"] == 0 for seed in facts), len(facts)
    yield f"CE residual is below its start in {below} of {seeds} seeds (R@1), and is it, epoch 0, exactly, in {same}."
    fixed = [seed["R@1"] for seed in none["rows"]["fixed"]]
    yield f"Where nothing tells one query from another (R@1 {sum(fixed) / len(fixed):.1f}) the selector stays away: all"
    yield f"ranks are those of the best fixed weights, in {none['equal']} of {len(fixed)} seeds."


def readme(path: Path) -> str:
    """The manual's part, from a kept fusion.json."""
    return "\n".join(table(json.loads(path.read_text(encoding="utf-8"))))
