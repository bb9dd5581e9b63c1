"""All reports in one table, beside what was published."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline import config
from pipeline.reports.report import read_report
from pipeline.stores import atomic, recipes

METRICS = ("R@1", "R@5", "R@10", "R@50", "MdR", "MnR")


@dataclass(frozen=True)
class Published:
    """A result that somebody else measured."""

    __pydantic_config__ = config.STRICT
    dataset: str
    """Name of a file in configs/datasets/."""
    model: str
    source: str
    t2v: dict[str, tuple[float, float]]
    """Metric -> mean and deviation over three seeds."""
    v2t: dict[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Collected:
    """configs/published.yaml"""

    __pydantic_config__ = config.STRICT
    results: tuple[Published, ...]


@dataclass(frozen=True)
class Result:
    """A line of the table."""

    dataset: str
    model: str
    origin: str
    """The report's folder, or where it was published."""
    split: str
    selection: str
    """How the epoch was chosen."""
    seeds: int
    videos: int
    captions: int
    """0 where it was not published, as of `videos`."""
    t2v: dict[str, tuple[float, float]]
    v2t: dict[str, tuple[float, float]]


def published(path: Path) -> list[Result]:
    """The results in configs/published.yaml; none when it is not there."""
    found = config.load(Collected, path).results if path.exists() else ()
    return [Result(one.dataset, one.model, one.source, "test", "", 3, 0, 0, one.t2v, one.v2t) for one in found]


def ours(folder: Path) -> list[Result]:
    """The newest report of each dataset, split, model and choice of experts in the store `folder`."""
    paths = [path for kind in ("reports", "released") for path in folder.glob(f"{kind}/*/*/*/report.json")]
    folders = [path.parent for path in paths if recipes.read_recipe(path.parent) is not None]
    newest: dict[tuple[object, ...], Result] = {}
    for path in sorted(folders, key=lambda path: (path / "report.json").stat().st_mtime_ns):
        report = read_report(path)
        seeds, gallery = report["seeds"], report["gallery"]
        directions = [{name: (row["mean"], row["std"]) for name, row in report[key].items()} for key in ("t2v", "v2t")]
        selection = report["selection"].partition(":")[0]
        newest[report["dataset"], report["split"], report["model"], *sorted(report["experts"])] = Result(
            report["dataset"], report["model"], str(path), report["split"], selection, len(seeds),
            gallery["videos"], gallery["captions"], *directions,
        )  # fmt: skip
    return list(newest.values())


def write_csv(path: Path, results: Sequence[Result]) -> None:
    """The results as a table for other programs, whole or not at all."""
    lines = io.StringIO(newline="")
    writer = csv.writer(lines, lineterminator="\n")
    facts = ("dataset", "split", "model", "origin", "selection", "seeds", "videos", "captions")
    measured = [(direction, name) for direction in ("t2v", "v2t") for name in METRICS]
    writer.writerow([*facts, *(f"{direction} {name}{what}" for direction, name in measured for what in ("", " std"))])
    for result in results:
        numbers = (getattr(result, direction).get(name, ("", "")) for direction, name in measured)
        writer.writerow([*(getattr(result, fact) for fact in facts), *(value for pair in numbers for value in pair)])
    atomic.write_text(path, lines.getvalue())
