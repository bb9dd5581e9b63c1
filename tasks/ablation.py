"""What each expert is worth: the model without it, and what the captions that speak of its modality then score."""

import json
from collections.abc import Iterator
from typing import Any

import luigi

from pipeline.reports.report import read_report
from pipeline.stores import atomic, recipes
from pipeline.stores.fingerprint import Recipe, fingerprint
from tasks.console.terminal import print_table, say
from tasks.dataset_task import SEEDS, ModelTask
from tasks.evaluation import EvaluateCE
from tasks.plan.provenance import provenance
from tasks.plan.targets import FolderTarget

ALL = "(all experts)"


class AblateExperts(ModelTask):
    """Trains without each expert in turn and reports how captions then find their videos, by what they speak of."""

    seeds = luigi.Parameter(default="", description=SEEDS)

    def requires(self) -> Iterator[luigi.Task]:
        """The model with all experts, and without each."""
        return (self._evaluation(experts) for experts in self._choices().values())

    def output(self) -> FolderTarget:
        """Present when the comparison of exactly these reports is written."""
        recipe = self._recipe()
        return FolderTarget(None if recipe is None else self.plan.result_folder("ablations", recipe))

    def run(self) -> None:
        """Writes ablation.json and prints it."""
        folder = self.output().need()
        reports = {
            left_out: read_report(self._evaluation(experts).output().need())
            for left_out, experts in self._choices().items()
        }
        rows = {left_out: _row(report) for left_out, report in reports.items()}
        modalities = {expert.name: expert.config.modality for expert in self.plan.experts}
        chance = reports[ALL]["chance"]
        body = {"dataset": self.dataset, "chance": chance, "modalities": modalities, "without": rows}
        atomic.write_text(folder / "ablation.json", json.dumps(body, indent=1))
        recipes.write_recipe(folder, self._recipe() or {}, provenance())

    def closing(self) -> None:
        """Prints the table."""
        folder = self.output().need()
        body = json.loads((folder / "ablation.json").read_text(encoding="utf-8"))
        tags = list(body["without"][ALL]["tags"])
        lines = [
            (without, f"{row['R@1']:.1f}", f"{row['R@10']:.1f}", *(f"{row['tags'][tag]:.1f}" for tag in tags))
            for without, row in body["without"].items()
        ]
        chance = f"R@10 by chance: {body['chance']['R@10']:.1f}"
        title = f"{self.dataset}: t2v R@1, R@10, and R@10 of the captions that speak of one modality alone; {chance}"
        print_table(title, ["without", "R@1", "R@10", *tags], lines)
        say(f"Report: {folder / 'ablation.json'}")

    def _choices(self) -> dict[str, str]:
        """What is left out -> the experts that are left, as --experts takes them."""
        names = self.plan.expert_names
        return {ALL: self.experts} | {name: ",".join(other for other in names if other != name) for name in names}

    def _evaluation(self, experts: str) -> EvaluateCE:
        return EvaluateCE(self.dataset, self.model, experts, self.seeds, rankings=False)

    def _recipe(self) -> Recipe | None:
        reports = {}
        for left_out, experts in self._choices().items():
            task = self._evaluation(experts)
            recipe = task.plan.evaluate_recipe(task.plan.seeds(self.seeds), task.split)
            if recipe is None:
                return None
            reports[left_out] = fingerprint(recipe)
        return {"stage": "ablate", "reports": reports}


def _row(report: dict[str, Any]) -> dict[str, Any]:
    alone = {tag: row["alone"]["t2v"] for tag, row in report["tags"].items() if row["alone"]["captions"]}
    tags = {tag: scores["R@10"]["mean"] for tag, scores in alone.items()}
    return {"R@1": report["t2v"]["R@1"]["mean"], "R@10": report["t2v"]["R@10"]["mean"], "tags": tags}
