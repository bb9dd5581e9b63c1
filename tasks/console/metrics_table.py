"""Prints the metrics of a report as a table."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.reports.report import METRICS, read_report
from pipeline.stores import places
from tasks.console.terminal import print_table, say, tell


def print_report(folder: Path, options: str = "") -> None:
    """Prints the metrics of the report in `folder`, its warnings, and the paths of the pages.

    `options` are those with which Search finds the same model.
    """
    report = read_report(folder)
    gallery, seeds = report["gallery"], report["seeds"]
    title = (
        f"{report['dataset']}, {report['split']} split: {gallery['captions']} captions, {gallery['videos']} videos, "
        f"{report['model']}, mean (std) of {len(seeds)} seed{'s' if len(seeds) != 1 else ''}"
    )
    raw = [_mean_std(name, report[name]) for name in ("t2v", "v2t")]
    variants = [_mean_std(name.replace("_", " "), variant["metrics"]) for name, variant in report["variants"].items()]
    without = [line for row in report.get("untrained", {}).values() for line in _untrained(row)]
    lines = [raw[0], _intervals(report["t2v"]), raw[1], *without, _chance(report), *variants]
    print_table(title, ["", *METRICS], lines)
    if "moments" in report:
        _print_moments(report["moments"])
    failed = {row["video"] for row in report["failures"]}
    if failed:
        say(f"{len(failed)} of the videos failed; the report lists them with the reasons")
    for warning in report["warnings"]:
        say(f"Note: {warning}")
    places.place_of(folder).fetch([folder, folder / "rankings"])  # for the person who opens them
    tell(f"Report: {folder / 'report.html'}")
    if (folder / "rankings.html").is_file():
        tell(f"Rankings: {folder / 'rankings.html'}")
    say(f'Search: luigi --module tasks Search --dataset {report["dataset"]}{options} --query "..."')


def _print_moments(found: dict[str, dict[str, Any]]) -> None:
    """Prints how well it is told when in the right video a caption is true."""
    columns = list(next(iter(found.values()))["measures"])
    rows = [[row["label"], *(f"{row['measures'][name]:.1f}" for name in columns)] for row in found.values()]
    queries = next(iter(found.values()))["queries"]
    print_table(f"When in the right video, of {queries} captions, in percent", ["", *columns], rows)


def print_measures(folder: Path) -> None:
    """Prints the measures of TREC that are in `folder`, in percent as the recalls are, and its path."""
    place = places.place_of(folder)
    place.fetch([folder])
    body = json.loads((folder / "measures.json").read_text(encoding="utf-8"))
    found: dict[str, dict[str, Any]] = body["measures"]
    names = list(next(iter(found.values())))
    rows = [
        [key.replace("_", " "), *(f"{100 * of[name]['mean']:.1f} ({100 * of[name]['std']:.1f})" for name in names)]
        for key, of in found.items()
    ]
    print_table(f"By TREC's tools, of the best {body['depth']}, in percent", ["", *names], rows)
    say("Note: TREC orders equal scores by name; the recalls above are means over all of their orders")
    tell(f"TREC: {folder}")


def _mean_std(name: str, metrics: dict[str, Any]) -> list[str]:
    """A row with mean and standard deviation over the seeds."""
    return [name, *(f"{metrics[key]['mean']:.1f} ({metrics[key]['std']:.1f})" for key in METRICS)]


def _untrained(row: dict[str, Any]) -> list[list[str]]:
    """Rows of what needs no training, and so has no seeds: caption finds video, its interval, video finds caption."""
    t2v, v2t = (
        [f"{row['label']} {name}", *(f"{row[name][key]['mean']:.1f}" for key in METRICS)] for name in ("t2v", "v2t")
    )
    return [t2v, _intervals(row["t2v"]), v2t]


def _intervals(metrics: dict[str, Any]) -> list[str]:
    """A row with the 95 % bootstrap interval over the videos; empty for metrics that have none."""
    return ["95 % interval", *(_interval(metrics[key].get("interval")) for key in METRICS)]


def _interval(interval: Sequence[float] | None) -> str:
    return f"{interval[0]:.1f} to {interval[1]:.1f}" if interval else ""


def _chance(report: dict[str, Any]) -> list[str]:
    """A row with the expected metrics of a random ranking."""
    return ["chance", *(f"{report['chance'][name]:.1f}" if name in report["chance"] else "" for name in METRICS)]
