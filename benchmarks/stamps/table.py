"""The figures of the photographs as the README shows them. Needs no library."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RECALLS = ("R@1", "R@5", "R@10")


def table(figures: dict[str, Any]) -> list[str]:
    """A way of searching a line, then what is to be said of them."""
    lines = ["| | R@1 | R@5 | R@10 | MdR |", "| --- | --- | --- | --- | --- |"]
    for row in figures["rows"]:
        lines.append(f"| {' | '.join((row['name'], *cells(row['t2v'])))} |")
    videos = figures["dataset"]["test"]
    lines.append(f"| chance | {' | '.join(f'{min(100.0, 100 * k / videos):.1f}' for k in (1, 5, 10))} | |")
    return [*lines, "", *said(figures)]


def cells(metrics: dict[str, Any]) -> Iterator[str]:
    """Each recall with its 95 % interval, and the median rank."""
    for name in RECALLS:
        low, high = metrics[name]["interval"]
        yield f"{metrics[name]['mean']:.1f} ({low:.1f} to {high:.1f})"
    yield f"{metrics['MdR']['mean']:.1f}"


def said(figures: dict[str, Any]) -> Iterator[str]:
    """Whether training pays, and what label words find without motion and background."""
    others = {"above_zero_shot": "zero-shot by label words, which needs no training", "above_start": "its start"}
    for row in figures["rows"]:
        for other in (key for key in others if key in row):
            yield _compared(row["name"], others[other], row[other]["R@1"])
        if kept := row.get("kept"):
            yield f"It is its start, epoch 0, in {kept.count(0)} of {len(kept)} seeds."
    plain = figures["plain"]
    yield (
        f"On the {plain['photographs']} photographs themselves, one frame each, on grey, zero-shot by label words has "
        f"R@1, R@5 and R@10 {', '.join(list(cells(plain['t2v']))[:3])}."
    )


def _compared(name: str, other: str, gain: dict[str, float]) -> str:
    word = "above" if gain["mean"] >= 0 else "BELOW"
    return (
        f"{name} is {abs(gain['mean']):.1f} points of R@1 {word} {other} (95 % interval of the difference "
        f"{gain['low']:+.1f} to {gain['high']:+.1f})."
    )


def readme(path: Path) -> str:
    """The README's part, from a kept stamps.json."""
    return "\n".join(table(json.loads(path.read_text(encoding="utf-8"))))
