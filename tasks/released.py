"""The models that the authors of Collaborative Experts published, on features that they released too."""

import functools
import json
from collections.abc import Iterator
from pathlib import Path

import luigi

from pipeline import config
from pipeline.errors import ConfigError
from pipeline.stores import recipes
from pipeline.stores.fingerprint import Recipe, file_sha256
from tasks.dataset_task import DatasetTask
from tasks.extraction import EncodeText, ExtractExpert
from tasks.plan.plan import EVALUATE_VERSION, Plan, plan
from tasks.plan.provenance import provenance
from tasks.plan.settings import Partial, Paths
from tasks.plan.targets import FolderTarget

STEMS = {
    "audio": "released_audio", "face": "released_face", "i3d.i3d.0": "released_i3d",
    "imagenet.resnext101_32x48d.0": "released_imagenet_resnext101",
    "imagenet.senet154.0": "released_imagenet_senet154", "ocr": "released_ocr",
    "r2p1d.r2p1d-ig65m.0": "released_r2p1d_ig65m", "r2p1d.r2p1d-ig65m-kinetics.0": "released_r2p1d_ig65m_kinetics",
    "scene.densenet161.0": "released_scene", "speech": "released_speech",
}  # fmt: skip
"""The authors' name of an expert -> that of its YAML in configs/experts/, which may end with _miech."""

MODEL = "File in configs/models/ that says which text features, and which face and audio; by default the dataset's"


class EvaluateReleased(DatasetTask):
    """Evaluates a published checkpoint on imported features, with the experts that its config names."""

    model = luigi.Parameter(default="", description=MODEL)
    checkpoint = luigi.Parameter(description="The published trained_model.pth")
    config = luigi.Parameter(description="The config.json that was published beside it")
    split = luigi.ChoiceParameter(choices=("train", "val", "test"), default="test", description="Split to report on")

    @property
    def plan(self) -> Plan:
        """The dataset with the experts that the checkpoint knows."""
        name = self._model()
        chosen = ",".join(self._names(name).values())
        return plan(Paths().layout, self.dataset, name, chosen, Partial().allow_partial)

    def requires(self) -> Iterator[luigi.Task]:
        """The imported features, and the token vectors of the captions."""
        yield from (ExtractExpert(self.dataset, name) for name in self.plan.expert_names)
        yield EncodeText(self.dataset, self.plan.model_name, ",".join(self.plan.expert_names))

    def output(self) -> FolderTarget:
        """Present when the report on exactly these files is written."""
        recipe = self._recipe()
        return FolderTarget(None if recipe is None else self.plan.result_folder("released", recipe))

    def run(self) -> None:
        """Writes report.json, report.html and ranks.csv."""
        from models.stages import evaluate_released
        from pipeline.reports.report import write_report

        folder, settings = self.output().need(), Path(self.config)
        names = self._names(self._model())
        report = evaluate_released(self.plan.sources(), Path(self.checkpoint), settings, names, self.split)
        facts = self.plan.data_summary() | {"model": f"{Path(self.checkpoint).name} (released)"}
        write_report(folder, report | facts)
        recipes.write_recipe(folder, self._recipe() or {}, provenance())

    def closing(self) -> None:
        """Prints the tables and where the report lies."""
        from tasks.console.metrics_table import print_report

        print_report(self.output().need())

    def _model(self) -> str:
        """The one that was chosen, or the one that is made for the dataset's released features."""
        settings = plan(Paths().layout, self.dataset, allow_partial=Partial().allow_partial).settings
        if not self.model and settings.released is None:
            raise ConfigError(f"configs/datasets/{self.dataset}.yaml knows no released features; name a --model")
        return self.model or (settings.released.model if settings.released else "")

    def _names(self, model: str) -> dict[str, str]:
        """The authors' name of each expert of the checkpoint -> ours."""
        listed = plan(Paths().layout, self.dataset, model).model.experts
        known = config.names(Paths().layout.configs / "experts")
        return {theirs: _ours(theirs, listed, known) for theirs in _modalities(Path(self.config))}

    def _recipe(self) -> Recipe | None:
        train = self.plan.train_recipe(0)
        if train is None:
            return None
        made_from = {key: train[key] for key in ("manifest", "experts", "failed", "text")} | {
            "imported": train.get("imported")
        }
        files = {name: _sha256(Path(path)) for name, path in (("checkpoint", self.checkpoint), ("config", self.config))}
        return {"stage": "evaluate released", "version": EVALUATE_VERSION, "split": self.split} | made_from | files


def _modalities(settings: Path) -> list[str]:
    """The experts of a published config.json."""
    try:
        names: list[str] = json.loads(settings.read_text(encoding="utf-8"))["experts"]["modalities"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"--config {settings}: no config.json of a published model: {error!r}") from None
    return names


def _ours(theirs: str, listed: tuple[str, ...], known: list[str]) -> str:
    """The YAML of the authors' expert: the one that the model lists, or the plain one."""
    stem = STEMS.get(theirs, "")
    for name in (*listed, *known):
        if stem and name in {stem, f"{stem}_miech"}:
            return name
    raise ConfigError(f"the checkpoint's expert {theirs!r} has no YAML in configs/experts/; known: {', '.join(STEMS)}")


def _sha256(path: Path) -> str:
    if not path.is_file():
        raise ConfigError(f"{path}: no such file; the published models are trained_model.pth and config.json")
    return _remembered_sha256(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=8)
def _remembered_sha256(path: Path, mtime_ns: int) -> str:
    """Of a file that has not changed since; a checkpoint has gigabytes, and Luigi asks several times."""
    return file_sha256(path)
