"""Task that measures what each expert contributes: the model is trained without it."""

import json
from collections.abc import Iterator
from typing import Any

import luigi

from pipeline.reports.report import read_report
from pipeline.stores import atomic, places, recipes
from pipeline.stores.fingerprint import Recipe, fingerprint
from tasks.console.terminal import print_table, tell
from tasks.dataset_task import SEEDS_HELP, ModelTask, remakes_damaged
from tasks.evaluation import EvaluateCE
from tasks.plan.provenance import provenance
from tasks.plan.targets import FolderTarget

ALL = "(all experts)"


class AblateExperts(ModelTask):
    """Trains without each expert in turn and reports how captions then find their videos, by what they speak of."""

    seeds = luigi.Parameter(default="", description=SEEDS_HELP)

    def requires(self) -> Iterator[luigi.Task]:
        """The reports of the model with all experts, and without each."""
        return iter(self._evaluations().values())

    def output(self) -> FolderTarget:
        """Complete when the ablation of exactly these reports is written."""
        recipe = self._recipe()
        return FolderTarget(None if recipe is None else self.plan.result_folder("ablations", recipe), self.plan.store)

    @remakes_damaged
    def run(self) -> None:
        """Writes ablation.json."""
        folder = self.output().require()
        reports = {
            left_out: read_report(evaluation.output().require()) for left_out, evaluation in self._evaluations().items()
        }
        body = {
            "dataset": self.dataset,
            "chance": reports[ALL]["chance"],
            "modalities": {expert.name: expert.config.modality for expert in self.plan.selection.experts},
            "without": {left_out: _recalls(report) for left_out, report in reports.items()},
        }
        atomic.write_text(folder / "ablation.json", json.dumps(body, indent=1))
        recipes.write_recipe(folder, self._recipe() or {}, provenance(), ["ablation.json"])

    def print_result(self) -> None:
        """Prints a row for each expert that is left out."""
        path = places.fetched(self.output().require() / "ablation.json")
        body: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        tags = list(body["without"][ALL]["tags"])
        rows = [
            (left_out, f"{row['R@1']:.1f}", f"{row['R@10']:.1f}", *(f"{row['tags'][tag]:.1f}" for tag in tags))
            for left_out, row in body["without"].items()
        ]
        chance = f"R@10 by chance: {body['chance']['R@10']:.1f}"
        title = f"{self.dataset}: t2v R@1, R@10, and R@10 of the captions that speak of one modality alone; {chance}"
        print_table(title, ["without", "R@1", "R@10", *tags], rows)
        tell(f"Report: {path}")

    def _evaluations(self) -> dict[str, EvaluateCE]:
        """Expert that is left out -> the evaluation of the model with the others."""
        names = self.plan.selection.expert_names
        experts = {ALL: self.experts}
        experts |= {left_out: ",".join(name for name in names if name != left_out) for left_out in names}
        return {
            left_out: EvaluateCE(self.dataset, self.model, others, self.seeds, rankings=False)
            for left_out, others in experts.items()
        }

    def _recipe(self) -> Recipe | None:
        recipes = {left_out: evaluation.recipe() for left_out, evaluation in self._evaluations().items()}
        reports = {left_out: fingerprint(recipe) for left_out, recipe in recipes.items() if recipe is not None}
        return None if len(reports) < len(recipes) else {"stage": "ablate", "reports": reports}


def _recalls(report: dict[str, Any]) -> dict[str, Any]:
    """R@1 and R@10 of all captions, and R@10 of the captions that speak of one modality alone, by modality."""
    alone = {tag: row["alone"]["t2v"] for tag, row in report["tags"].items() if row["alone"]["captions"]}
    tags = {tag: scores["R@10"]["mean"] for tag, scores in alone.items()}
    return {"R@1": report["t2v"]["R@1"]["mean"], "R@10": report["t2v"]["R@10"]["mean"], "tags": tags}
