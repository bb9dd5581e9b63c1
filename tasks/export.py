"""Task that writes the features of experts into files for use elsewhere."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import cast

import luigi

from extractors import registry
from extractors.registry import NamedExpert
from pipeline.errors import ConfigError, PipelineError
from pipeline.export import delivery
from pipeline.export.formats import Format, export, export_states, name_of
from pipeline.export.source import Source, VideoFeatures, clip_of, with_label_names
from pipeline.export.wide import Exported, export_all
from pipeline.stores.fingerprint import fingerprint
from pipeline.stores.parts import Reader
from pipeline.stores.store import Row
from tasks.console.terminal import tell
from tasks.dataset_task import DatasetTask, RunsEachTime, remakes_damaged
from tasks.extraction import ExtractExpert, extraction
from tasks.parameters import Choice, TypedPath, names_in
from tasks.plan.settings import Paths

STATES = ("present", "absent", "failed")
ALL, AUTO = "all", "auto"
FORMATS = (AUTO, "jsonl", "parquet", "lance", "webdataset", "npy")
FILES = (AUTO, "jsonl", "parquet")
"""Formats of one expert that are one file."""
STATES_CSV = ".videos.csv"
"""What stands behind the name of an export in that of the table beside it."""
WIDE = "features"
"""Name of the folder of several experts, by default."""


class ExportExpert(RunsEachTime, DatasetTask):
    """Writes the words, faces or features of an expert, with times, boxes, confidence and labels, as files.

    Of several experts one folder of Parquet files with a card, as `datasets.load_dataset` reads it.
    """

    expert = luigi.Parameter(
        default=ALL, description="An expert, several with commas between, or all: those of the dataset's model"
    )
    format = Choice(
        "--format",
        FORMATS,
        default=AUTO,
        description="Kind of file; auto: jsonl for one expert or as --to ends, parquet for several",
    )
    to = TypedPath(
        default="",
        description="File or folder to write, or for one file s3://bucket/name; by default below export/ in the data "
        "folder",
    )

    @property
    def names(self) -> list[str]:
        """The experts; ConfigError where none is named, or several in a format of one."""
        if self.expert == ALL:
            return list(self.plan.selection.expert_names)
        names = list(dict.fromkeys(names_in(self.expert)))
        if not names:
            raise ConfigError("--expert names no expert; luigi --module tasks ListExperts tells which there are")
        return names

    def requires(self) -> list[ExtractExpert]:
        """The features."""
        if len(self.names) > 1 and self.format not in (AUTO, "parquet"):
            raise ConfigError(f"--format {self.format}: several experts are written as Parquet; name one with --expert")
        delivery.check(self.to, is_file=len(self.names) == 1 and self.format in FILES)
        return extraction(self.dataset, self.names)

    @remakes_damaged
    def run(self) -> None:
        """Writes the features, and beside them a CSV with the state of each video, its reason and its note."""
        if len(self.names) > 1:
            self._export_all()
        else:
            self._export_one(self.plan.selection.expert(self.names[0]))
        self.has_run = True

    def _export_one(self, expert: NamedExpert) -> None:
        by_name = "parquet" if self.to.lower().endswith(".parquet") else "jsonl"
        kind = cast(Format, by_name if self.format == AUTO else self.format)
        with delivery.delivered(self.to, self._path(name_of(expert.name, kind))) as path:
            num_rows = export(self._features(expert), path, kind, self._source(expert))
            states = export_states(self._rows(expert), path.with_name(f"{path.name}{STATES_CSV}"))
        told = self.to or path
        tell(f"{num_rows} rows: {told}")
        tell(f"{_counted(states)}: {told}{STATES_CSV}")

    def _export_all(self) -> None:
        experts, videos, default = list[Exported](), self.plan.inventory.manifest(), self._path(WIDE)
        path = Path(self.to) if self.to else default
        assert videos, "the features are there"
        for expert in map(self.plan.selection.expert, self.names):
            features, rows = partial(self._features, expert), partial(self._rows, expert)
            experts.append(Exported(self._source(expert), features, rows))
        for one in export_all(videos.videos, experts, path):
            tell(f"{one.source.expert}: {one.num_rows} rows; {_counted(one.states)}")
        tell(f"{len(experts)} experts: {path}")

    def _path(self, name: str) -> Path:
        """Where it is written by default."""
        return Path(Paths().data) / "export" / self.dataset / name

    def _source(self, expert: NamedExpert) -> Source:
        try:
            licences = registry.licences(expert.extractor.weight_files().values())
        except PipelineError:
            licences = ""  # a network that its library no longer knows; its features are there all the same
        recipe = expert.recipe
        return Source(
            self.dataset,
            expert.name,
            expert.extractor.dim,
            expert.config.modality,
            expert.network,
            fingerprint(recipe),
            recipe,
            recipe.get("weights", {}),
            licences,
        )

    def _features(self, expert: NamedExpert) -> Iterator[VideoFeatures]:
        """The features of the videos that have a row, in manifest order."""
        inventory = self.plan.inventory
        reader, videos = Reader(self.plan.selection.layout.features(expert)), inventory.manifest()
        has_clips = bool(videos and any(videos.videos.column("span_s")))
        for _, video in inventory.files():
            features = reader.features(inventory.row_key(expert, video))
            if features is not None:
                named = with_label_names(features, expert.extractor.labels)
                yield VideoFeatures(video.video_id, video.content, named, clip_of(video) if has_clips else {})

    def _rows(self, expert: NamedExpert) -> Iterator[tuple[str, Row, str]]:
        """(video id, row, what the manifest notes of the file) of all videos, in manifest order."""
        inventory = self.plan.inventory
        state, videos = inventory.expert_state(expert), inventory.manifest()
        for place, video in enumerate(videos.videos if videos else ()):
            row = state.held.row(place) if state else None
            assert row, "the features are there"
            yield video.video_id, row, video.note


def _counted(states: "Counter[str]") -> str:
    """How many videos there are, of each state, and with notes."""
    total = sum(states[state] for state in STATES)
    counts = ", ".join(f"{states[state]} {state}" for state in STATES if states[state])
    noted = f"; {states['noted']} with notes" if states["noted"] else ""
    return f"{total} videos ({counts}{noted})"
