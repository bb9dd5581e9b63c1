"""The tables that a run ends with."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.reports.report import METRICS, read_report
from tasks.console.terminal import say, table


def print_report(folder: Path) -> None:
    """The metrics of a report, and where it lies."""
    report = read_report(folder)
    gallery, seeds = report["gallery"], report["seeds"]
    title = (
        f"{report['dataset']}, {report['split']} split: {gallery['captions']} captions, {gallery['videos']} videos, "
        f"{report['model']}, mean (std) of {len(seeds)} seed{'s' if len(seeds) != 1 else ''}"
    )
    raw = [_row(name, report[name]) for name in ("t2v", "v2t")]
    others = [_row(name.replace("_", " "), variant["metrics"]) for name, variant in report["variants"].items()]
    table(title, ["", *METRICS], [raw[0], _interval(report["t2v"]), raw[1], _chance(report), *others])
    failed = {row["video"] for row in report["failures"]}
    if failed:
        say(f"{len(failed)} of the videos failed; the report lists them with the reasons")
    for warning in report["warnings"]:
        say(f"Note: {warning}")
    say(f"Report: {folder / 'report.html'}")
    if (folder / "rankings.html").is_file():
        say(f"Rankings: {folder / 'rankings.html'}")
    say(f'Search: luigi --module tasks Search --dataset {report["dataset"]} --query "..."')


def _row(name: str, metrics: dict[str, Any]) -> list[str]:
    return [name, *(f"{metrics[key]['mean']:.1f} ({metrics[key]['std']:.1f})" for key in METRICS)]


def _interval(metrics: dict[str, Any]) -> list[str]:
    """What 95 of 100 draws of the videos give."""
    return ["95 % interval", *(_range(metrics[key].get("interval")) for key in METRICS)]


def _range(interval: Sequence[float] | None) -> str:
    return f"{interval[0]:.1f} to {interval[1]:.1f}" if interval else ""


def _chance(report: dict[str, Any]) -> list[str]:
    return ["chance", *(f"{report['chance'][name]:.1f}" if name in report["chance"] else "" for name in METRICS)]
