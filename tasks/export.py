"""Writes what an expert found into files for use elsewhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import luigi

from pipeline.stores.export import Format, export, export_states
from pipeline.stores.parts import Features, Reader
from pipeline.stores.store import Row
from tasks.console.terminal import say
from tasks.dataset_task import DatasetTask
from tasks.extraction import ExtractExpert
from tasks.plan.settings import Paths


class ExportExpert(DatasetTask):
    """Writes the words, faces or features of an expert, with times, boxes and confidence, as files."""

    expert = luigi.Parameter(description="Name of a file in configs/experts/, without .yaml")
    format = luigi.ChoiceParameter(choices=("jsonl", "parquet", "npy"), default="jsonl", description="Kind of file")
    to = luigi.Parameter(default="", description="File, or folder for npy; by default below export/ in the data folder")
    done = False

    def requires(self) -> luigi.Task:
        """The features."""
        return ExtractExpert(self.dataset, self.expert)

    def complete(self) -> bool:
        """True once it has run."""
        return self.done

    def run(self) -> None:
        """Writes the files: what was found, and what came of each video."""
        name = f"{self.expert}.{self.format}" if self.format != "npy" else self.expert
        path = Path(self.to) if self.to else Path(Paths().data) / "export" / self.dataset / name
        count = export(self._found(), path, cast(Format, self.format))
        beside = path.with_name(f"{path.name}.videos.csv")
        states = export_states(self._rows(), beside)
        say(f"{count} rows: {path}")
        told = ", ".join(f"{states[state]} {state}" for state in ("present", "absent", "failed") if states[state])
        say(f"{states.total()} videos ({told}): {beside}")
        self.done = True

    def _found(self) -> Iterator[tuple[str, Features]]:
        """What is in the store, in the order of the manifest."""
        expert = self.plan.expert(self.expert)
        reader = Reader(self.plan.layout.features(expert))
        for _, video in self.plan.files():
            features = reader.features(self.plan.row_key(expert, video))
            if features is not None:
                yield video.video_id, features

    def _rows(self) -> Iterator[tuple[str, Row]]:
        """What came of each video, in the same order."""
        expert = self.plan.expert(self.expert)
        state = self.plan.expert_state(expert)
        rows = state.rows if state else {}
        for _, video in self.plan.files():
            yield video.video_id, rows[self.plan.row_key(expert, video)]
