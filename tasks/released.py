"""Task that evaluates a model published by the authors of Collaborative Experts, on the features that they released."""

from collections.abc import Iterator
from pathlib import Path

import luigi

from pipeline import config
from pipeline.errors import ConfigError
from pipeline.stores import recipes
from pipeline.stores.fingerprint import Recipe
from tasks.console.metrics_table import print_measures, print_report
from tasks.dataset_task import DatasetTask, remakes_damaged
from tasks.extraction import EncodeText, ExtractExpert
from tasks.parameters import TypedPath, split_parameter, trec_parameter
from tasks.plan import released_checkpoint
from tasks.plan.data_summary import data_summary
from tasks.plan.duplicates import duplicates
from tasks.plan.plan import EVALUATE_VERSION, Plan, load_plan
from tasks.plan.provenance import provenance
from tasks.plan.settings import Partial, Paths
from tasks.plan.targets import FolderTarget
from tasks.plan.trec_files import ReportTrec

MODEL_HELP = "File in configs/models/ that says which text features, and which face and audio; by default the dataset's"


class EvaluateReleased(DatasetTask):
    """Evaluates a published checkpoint on imported features, with the experts that its config names."""

    model = luigi.Parameter(default="", description=MODEL_HELP)
    checkpoint = TypedPath(description="The published trained_model.pth")
    config = TypedPath(description="The config.json that was published beside it")
    split = split_parameter("Split to report on")
    trec = trec_parameter()

    @property
    def plan(self) -> Plan:
        """Plan of the dataset with the experts of the checkpoint."""
        model = self._model()
        experts = ",".join(self.expert_names(model).values())
        return load_plan(Paths().layout, self.dataset, model, experts, Partial().allow_partial)

    def requires(self) -> Iterator[luigi.Task]:
        """The imported features, and the token vectors of the captions."""
        selection = self.plan.selection
        yield from (ExtractExpert(self.dataset, name, "", self.split) for name in selection.expert_names)
        yield EncodeText(self.dataset, selection.model_name, ",".join(selection.expert_names), self.split)

    def output(self) -> FolderTarget:
        """Complete when the report on exactly these files is written."""
        recipe = self._recipe()
        return FolderTarget(None if recipe is None else self.plan.result_folder("released", recipe), self.plan.store)

    def complete(self) -> bool:
        """Whether the report is there, and with --trec its files."""
        return self.output().exists() and (not self.trec or self._trec.target.exists())

    @remakes_damaged
    def run(self) -> None:
        """Writes report.json, report.html and ranks.csv, then with --trec what lies beside."""
        from models.stages import write_released_trec

        plan, files = self.plan, (Path(self.checkpoint), Path(self.config))
        names = self.expert_names(self._model())
        if not self.output().exists():
            self._report(names)
        if self.trec and not self._trec.target.exists():
            self._trec.write_by(lambda folder: write_released_trec(plan.sources(), *files, names, self.split, folder))

    def _report(self, names: dict[str, str]) -> None:
        from models.stages import evaluate_released
        from pipeline.reports.report import FILES, write_report

        folder, checkpoint = self.output().require(), Path(self.checkpoint)
        report = evaluate_released(self.plan.sources(), checkpoint, Path(self.config), names, self.split)
        summary = data_summary(self.plan.inventory) | {"model": f"{checkpoint.name} (released)"}
        write_report(folder, report | summary | duplicates(self.plan))
        recipes.write_recipe(folder, self._recipe() or {}, provenance(), FILES)

    def print_result(self) -> None:
        """Prints the metrics and the path of the report."""
        print_report(self.output().require())
        if self.trec:
            print_measures(self._trec.target.require())

    @property
    def _trec(self) -> ReportTrec:
        return ReportTrec(self.output().lock, self.plan.store, (0,), self.split)

    def expert_names(self, model: str) -> dict[str, str]:
        """The authors' name of each expert of the checkpoint -> the name of its YAML here."""
        preferred = load_plan(Paths().layout, self.dataset, model).selection.model.experts
        known = config.names(Paths().layout.configs / "experts")
        names = released_checkpoint.modalities(Path(self.config))
        return {name: released_checkpoint.expert_of(name, preferred, known) for name in names}

    def _model(self) -> str:
        """The model that was typed, or the one for the dataset's released features."""
        plan = load_plan(Paths().layout, self.dataset, allow_partial=Partial().allow_partial)
        released = plan.selection.settings.released
        if not self.model and released is None:
            raise ConfigError(f"configs/datasets/{self.dataset}.yaml knows no released features; name a --model")
        return self.model or (released.model if released else "")

    def _recipe(self) -> Recipe | None:
        train = self.plan.train_recipe(0)
        if train is None:
            return None
        inputs = {key: train[key] for key in ("manifest", "experts", "failed", "text")}
        files = {"checkpoint": Path(self.checkpoint), "config": Path(self.config)}
        return {
            "stage": "evaluate released",
            "version": EVALUATE_VERSION,
            "split": self.split,
            **inputs,
            "imported": train.get("imported"),
            "name": Path(self.checkpoint).name,
            **self.plan.shown(),
            **self.plan.reported(),
            **{name: released_checkpoint.sha256(path) for name, path in files.items()},
        }
