"""A report as the JSON of a task result of MTEB, the form that its leaderboard reads.

The keys are those of `mteb.TaskResult` (embeddings-benchmark/mteb, mteb/results/task_result.py, version 2): scores are
from 0 to 1, in a list of subsets for each split. Ours have the subsets `t2v` and, where TREC's measures lie beside the
report, `v2t`. mteb_version is null, for MTEB did not evaluate; the main score is nDCG@10, as in its MSR-VTT tasks.
"""

import json
import math
import re
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from statistics import fmean
from typing import Any

from pipeline.reports.report import Place, read_ranks, read_report
from pipeline.stores import places, recipes

CUT = 10
RECALLS = (1, 5, 10, 50)
_NAMES = {"nDCG@10": "ndcg_at_10", "MAP": "map_at_1000", "MRR": "mrr_at_1000"}
"""Of measures of TREC, which are taken from the best 1000."""


def task_result(report: Path, store: Path, languages: Sequence[str] = ("eng-Latn",)) -> dict[str, Any]:
    """The report in the folder `report` in MTEB's form; `languages`: of the captions, as ISO 639-3 and ISO 15924.

    t2v, where a caption has one right video, is computed from ranks.csv: equal scores count as the mean over all of
    their orders. v2t, with several right captions, is what TREC's tools say.
    """
    body = read_report(report)
    subsets = {"t2v": _one_right(report) | _recalls(body["t2v"], "recall_at_") | _recalls(body["t2v"], "hit_rate_at_")}
    if measured := trec_measures(report):
        means = {theirs: measured["v2t"][ours]["mean"] for ours, theirs in _NAMES.items()}
        subsets["v2t"] = means | _recalls(body["v2t"], "hit_rate_at_")
    scores = [
        {**found, "main_score": found["ndcg_at_10"], "hf_subset": name, "languages": list(languages)}
        for name, found in subsets.items()
    ]
    return {
        "dataset_revision": _manifest(report, store) or "unknown",
        "task_name": body["dataset"],
        "mteb_version": None,
        "scores": {body["split"]: scores},
        "evaluation_time": None,
        "kg_co2_emissions": None,
    }


def file_of(report: Path, dataset: str, model: str) -> Path:
    """Where the file of a report lies, as in MTEB's repository of results: model, revision, task."""
    folder, name = (re.sub(r"[^\w.-]+", "_", part).strip(".") or "_" for part in (model, dataset))
    return Path(folder, report.name, f"{name}.json")


def trec_measures(report: Path) -> dict[str, Any]:
    """Judgement -> measure -> mean and std from 0 to 1, that `EvaluateCE --trec` wrote; empty where it did not."""
    if recipes.check(report / "trec") is None:
        return {}
    path = places.fetched(report / "trec" / "measures.json")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["measures"]
    return found


def _recalls(metrics: dict[str, Any], prefix: str) -> dict[str, float]:
    return {f"{prefix}{k}": metrics[f"R@{k}"]["mean"] / 100 for k in RECALLS}


def _one_right(report: Path) -> dict[str, float]:
    """nDCG, MAP and MRR of captions, each with one right video: means over captions and seeds."""
    stands = [stand for *_, of_seeds in read_ranks(report) for stand in of_seeds]
    deepest = max(round(mean + (equal - 1) / 2) for mean, equal in stands)
    gains = _sums([1 / math.log2(place + 1) if place <= CUT else 0.0 for place in range(1, deepest + 1)])
    shares = _sums([1 / place if place <= 1000 else 0.0 for place in range(1, deepest + 1)])
    first = fmean(_expected(stand, shares) for stand in stands)
    return {
        "ndcg_at_10": fmean(_expected(stand, gains) for stand in stands),
        "map_at_1000": first,
        "mrr_at_1000": first,
    }


def _sums(values: Sequence[float]) -> list[float]:
    """Sums of the first 0, 1, ... values."""
    return list(accumulate(values, initial=0.0))


def _expected(stand: Place, sums: Sequence[float]) -> float:
    """The mean of a value over all places that the right video may have among the equal ones."""
    mean, equal = stand
    above = round(mean - 1 - (equal - 1) / 2)
    return (sums[above + equal] - sums[above]) / equal


def _manifest(report: Path, store: Path) -> str | None:
    """The fingerprint of the manifest, from the recipe of the report or of one of its trainings; None if it is gone."""
    recipe = recipes.read_recipe(report) or {}
    if "manifest" in recipe:
        return str(recipe["manifest"])
    model, dataset = report.parent.name, report.parents[1].name
    for training in recipe.get("train", {}).values():
        run = recipes.read_recipe(store / "runs" / dataset / model / training)
        if run is not None:
            return str(run["manifest"])
    return None
