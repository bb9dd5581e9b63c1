"""Collects the results of all reports and the published ones into one table."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pipeline import config
from pipeline.reports.mteb import trec_measures
from pipeline.reports.report import read_report
from pipeline.stores import atomic, places, recipes
from pipeline.texts.cells import cell

_Key = tuple[str, str, str, frozenset[str]]
"""Dataset, split, model, experts."""

Mean = tuple[float, float | None]
"""Mean and standard deviation over the seeds; None where a single number was published."""
METRICS = ("R@1", "R@5", "R@10", "R@50", "MdR", "MnR", "nDCG@10")
SEEDS_OF_PAPERS = 3


@dataclass(frozen=True)
class Published:
    """A result from a paper."""

    __pydantic_config__ = config.STRICT
    dataset: str
    """Name of a file in configs/datasets/."""
    model: str
    source: str
    t2v: dict[str, tuple[float, float] | float]
    """Metric -> mean and standard deviation over three seeds, or the one number that was published."""
    v2t: dict[str, tuple[float, float] | float] = field(default_factory=dict)
    kind: Literal["trained", "zero-shot"] = "trained"
    """Whether it was trained on this dataset."""


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
    t2v: dict[str, Mean]
    v2t: dict[str, Mean]
    kind: str = "trained"
    """`trained`, or `zero-shot`."""

    @property
    def is_published(self) -> bool:
        """Whether it is from a publication, which tells no number of videos."""
        return not self.videos


def published(path: Path) -> list[Result]:
    """The results in configs/published.yaml; empty when the file is missing."""
    entries = config.load(PublishedResults, path).results if config.find(path).exists() else ()
    return [_published(entry) for entry in entries]


def _published(entry: Published) -> Result:
    t2v, v2t = ({name: _mean(value) for name, value in found.items()} for found in (entry.t2v, entry.v2t))
    seeds = SEEDS_OF_PAPERS if any(std is not None for _, std in t2v.values()) else 0
    return Result(entry.dataset, entry.model, entry.source, "test", "", seeds, 0, 0, t2v, v2t, entry.kind)


def _mean(value: tuple[float, float] | float) -> Mean:
    return value if isinstance(value, tuple) else (value, None)


def ours(folder: Path) -> list[Result]:
    """The newest report in the store `folder` for each dataset, split, model and set of experts."""
    paths = [
        path for kind in ("reports", "released") for path in places.listed(folder).glob(f"{kind}/*/*/*/report.json")
    ]
    folders = [path.parent for path in paths if recipes.check(path.parent) is not None]
    newest: dict[_Key, Result] = {}
    for path in sorted(folders, key=lambda path: (path / "report.json").stat().st_mtime_ns):
        report, measured = read_report(path), trec_measures(path)
        seeds, gallery = report["seeds"], report["gallery"]
        t2v, v2t = (_means(report[key]) | _ndcg(measured.get(key, {})) for key in ("t2v", "v2t"))
        selection = report["selection"].partition(":")[0]
        newest[report["dataset"], report["split"], report["model"], frozenset(report["experts"])] = Result(
            report["dataset"], report["model"], str(path), report["split"], selection, len(seeds),
            gallery["videos"], gallery["captions"], t2v, v2t,
        )  # fmt: skip
    return _told_apart(newest)


def _means(metrics: Mapping[str, Any]) -> dict[str, Mean]:
    return {name: (row["mean"], row["std"]) for name, row in metrics.items()}


def _ndcg(measures: Mapping[str, Any]) -> dict[str, Mean]:
    """In percent; empty where TREC's measures were not asked for."""
    return {name: (100 * row["mean"], 100 * row["std"]) for name, row in measures.items() if name == "nDCG@10"}


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
    atomic.write_text(path, csv_of(results))


def csv_of(results: Sequence[Result]) -> str:
    """The results as CSV with a head line; no cell of it is taken for a formula."""
    lines = io.StringIO(newline="")
    writer = csv.writer(lines, lineterminator="\n")
    texts, sizes = ("dataset", "split", "model", "kind", "origin", "selection"), ("seeds", "videos", "captions")
    measured = [(direction, name) for direction in ("t2v", "v2t") for name in METRICS]
    heads = (f"{direction} {name}{what}" for direction, name in measured for what in ("", " std"))
    writer.writerow([*texts, *sizes, *heads])
    for result in results:
        numbers = (getattr(result, direction).get(name, ("", "")) for direction, name in measured)
        named = [cell(getattr(result, column)) for column in texts]
        writer.writerow(
            [*named, *(getattr(result, size) for size in sizes), *(value for pair in numbers for value in pair)]
        )
    return lines.getvalue()
