"""Task that writes the features of an expert into files for use elsewhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import luigi

from pipeline.stores.export import Format, export, export_states, with_label_names
from pipeline.stores.parts import Features, Reader
from pipeline.stores.store import Row
from tasks.console.terminal import tell
from tasks.dataset_task import DatasetTask, RunsEachTime, remakes_damaged
from tasks.extraction import ExtractExpert
from tasks.parameters import Choice, TypedPath
from tasks.plan.settings import Paths

STATES = ("present", "absent", "failed")


class ExportExpert(RunsEachTime, DatasetTask):
    """Writes the words, faces or features of an expert, with times, boxes, confidence and labels, as files."""

    expert = luigi.Parameter(description="Name of a file in configs/experts/, without .yaml")
    format = Choice("--format", ("jsonl", "parquet", "npy"), default="jsonl", description="Kind of file")
    to = TypedPath(default="", description="File, or folder for npy; by default below export/ in the data folder")

    def requires(self) -> luigi.Task:
        """The features."""
        return ExtractExpert(self.dataset, self.expert)

    @remakes_damaged
    def run(self) -> None:
        """Writes the features, and beside them a CSV with the state of each video, its reason and its note."""
        name = f"{self.expert}.{self.format}" if self.format != "npy" else self.expert
        path = Path(self.to) if self.to else Path(Paths().data) / "export" / self.dataset / name
        num_rows = export(self._features(), path, cast(Format, self.format))
        csv_path = path.with_name(f"{path.name}.videos.csv")
        states = export_states(self._rows(), csv_path)
        tell(f"{num_rows} rows: {path}")
        total = sum(states[state] for state in STATES)
        counts = ", ".join(f"{states[state]} {state}" for state in STATES if states[state])
        noted = f"; {states['noted']} with notes" if states["noted"] else ""
        tell(f"{total} videos ({counts}{noted}): {csv_path}")
        self.has_run = True

    def _features(self) -> Iterator[tuple[str, Features]]:
        """(video id, features) of the videos that have some, in manifest order."""
        inventory, expert = self.plan.inventory, self.plan.selection.expert(self.expert)
        reader = Reader(self.plan.selection.layout.features(expert))
        for _, video in inventory.files():
            features = reader.features(inventory.row_key(expert, video))
            if features is not None:
                yield video.video_id, with_label_names(features, expert.extractor.labels)

    def _rows(self) -> Iterator[tuple[str, Row, str]]:
        """(video id, row, what the manifest notes of the file) of all videos, in manifest order."""
        inventory, expert = self.plan.inventory, self.plan.selection.expert(self.expert)
        state, videos = inventory.expert_state(expert), inventory.manifest()
        for place, video in enumerate(videos.videos if videos else ()):
            row = state.held.row(place) if state else None
            assert row, "the features are there"
            yield video.video_id, row, video.note
