"""Writes what an expert found into files for use elsewhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import luigi

from pipeline.export import Format, export
from pipeline.parts import Features, read_features
from tasks.graph import DatasetTask, ExtractExpert, Paths
from tasks.terminal import say


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
        """Writes the file."""
        name = f"{self.expert}.{self.format}" if self.format != "npy" else self.expert
        path = Path(self.to) if self.to else Path(Paths().data) / "export" / self.dataset / name
        count = export(self._found(), path, cast(Format, self.format))
        say(f"{count} rows: {path}")
        self.done = True

    def _found(self) -> Iterator[tuple[str, Features]]:
        """What is in the store, in the order of the manifest."""
        expert, videos = self.plan.expert(self.expert), self.plan.manifest()
        for video in videos.videos if videos else ():
            features = read_features(self.plan.layout.features(expert), self.plan.row_key(expert, video))
            if features is not None:
                yield video.video_id, features
