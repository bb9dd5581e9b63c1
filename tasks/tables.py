"""The tables that a run ends with."""

from pathlib import Path
from typing import Any

from pipeline.report import METRICS, read_report
from tasks.terminal import say, table


def print_report(folder: Path) -> None:
    """The metrics of a report, and where it lies."""
    report = read_report(folder)
    gallery, seeds = report["gallery"], report["seeds"]
    title = (
        f"{report['dataset']}, {report['split']} split: {gallery['captions']} captions, {gallery['videos']} videos, "
        f"{report['model']}, mean (std) of {len(seeds)} seed{'s' if len(seeds) != 1 else ''}"
    )
    table(title, ["", *METRICS], [_row(report, "t2v"), _row(report, "v2t"), _chance(report)])
    failed = {row["video"] for row in report["failures"]}
    if failed:
        say(f"{len(failed)} of the videos failed; the report lists them with the reasons")
    for warning in report["warnings"]:
        say(f"Note: {warning}")
    say(f"Report: {folder / 'report.html'}")


def _row(report: dict[str, Any], direction: str) -> list[str]:
    values = (report[direction][name] for name in METRICS)
    return [direction, *(f"{value['mean']:.1f} ({value['std']:.1f})" for value in values)]


def _chance(report: dict[str, Any]) -> list[str]:
    return ["chance", *(f"{report['chance'][name]:.1f}" if name in report["chance"] else "" for name in METRICS)]
