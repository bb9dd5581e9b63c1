"""Collects the results of all reports and the published ones into one table."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline import config
from pipeline.reports.report import read_report
from pipeline.stores import atomic, places, recipes

_Key = tuple[str, str, str, frozenset[str]]
"""Dataset, split, model, experts."""

METRICS = ("R@1", "R@5", "R@10", "R@50", "MdR", "MnR")


@dataclass(frozen=True)
class Published:
    """A result from a paper."""

    __pydantic_config__ = config.STRICT
    dataset: str
    """Name of a file in configs/datasets/."""
    model: str
    source: str
    t2v: dict[str, tuple[float, float]]
    """Metric -> mean and standard deviation over three seeds."""
    v2t: dict[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class PublishedResults:
    """configs/published.yaml"""

    __pydantic_config__ = config.STRICT
    results: tuple[Published, ...]


@dataclass(frozen=True)
class Result:
    """A line of the table."""

    dataset: str
    model: str
    origin: str
    """The report's folder, or the publication."""
    split: str
    selection: str
    """How the epoch was selected."""
    seeds: int
    videos: int
    captions: int
    """Like `videos`, 0 when not published."""
    t2v: dict[str, tuple[float, float]]
    v2t: dict[str, tuple[float, float]]


def published(path: Path) -> list[Result]:
    """The results in configs/published.yaml; empty when the file is missing."""
    entries = config.load(PublishedResults, path).results if config.find(path).exists() else ()
    return [
        Result(entry.dataset, entry.model, entry.source, "test", "", 3, 0, 0, entry.t2v, entry.v2t) for entry in entries
    ]


def ours(folder: Path) -> list[Result]:
    """The newest report in the store `folder` for each dataset, split, model and set of experts."""
    paths = [
        path for kind in ("reports", "released") for path in places.listed(folder).glob(f"{kind}/*/*/*/report.json")
    ]
    folders = [path.parent for path in paths if recipes.check(path.parent) is not None]
    newest: dict[_Key, Result] = {}
    for path in sorted(folders, key=lambda path: (path / "report.json").stat().st_mtime_ns):
        report = read_report(path)
        seeds, gallery = report["seeds"], report["gallery"]
        directions = [{name: (row["mean"], row["std"]) for name, row in report[key].items()} for key in ("t2v", "v2t")]
        selection = report["selection"].partition(":")[0]
        newest[report["dataset"], report["split"], report["model"], frozenset(report["experts"])] = Result(
            report["dataset"], report["model"], str(path), report["split"], selection, len(seeds),
            gallery["videos"], gallery["captions"], *directions,
        )  # fmt: skip
    return _told_apart(newest)


def _told_apart(newest: Mapping[_Key, Result]) -> list[Result]:
    """The results; where one model was trained on several sets of experts, its name says which."""
    sets: dict[tuple[str, ...], set[frozenset[str]]] = {}
    for *names, experts in newest:
        sets.setdefault(tuple(names), set()).add(experts)
    results = []
    for (*names, experts), result in newest.items():
        others = sets[tuple(names)]
        lacks = sorted(frozenset().union(*others) - experts)
        name = f"{result.model} without {', '.join(lacks)}" if lacks else result.model
        results.append(replace(result, model=name))
    return results


def write_csv(path: Path, results: Sequence[Result]) -> None:
    """Writes the results as CSV, atomically."""
    lines = io.StringIO(newline="")
    writer = csv.writer(lines, lineterminator="\n")
    columns = ("dataset", "split", "model", "origin", "selection", "seeds", "videos", "captions")
    measured = [(direction, name) for direction in ("t2v", "v2t") for name in METRICS]
    writer.writerow([*columns, *(f"{direction} {name}{what}" for direction, name in measured for what in ("", " std"))])
    for result in results:
        numbers = (getattr(result, direction).get(name, ("", "")) for direction, name in measured)
        writer.writerow(
            [*(getattr(result, column) for column in columns), *(value for pair in numbers for value in pair)]
        )
    atomic.write_text(path, lines.getvalue())
