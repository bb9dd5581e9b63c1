"""Tasks that fetch what is public of a known dataset: its annotation files, and features that others extracted."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import luigi

from pipeline.errors import ConfigError
from tasks.console.progress import progress_bar
from tasks.console.terminal import print_table, say
from tasks.dataset_task import DatasetTask, RunsEachTime
from tasks.parameters import TypedPath
from tasks.plan.inventory import rescan
from tasks.plan.settings import Paths

NUM_NOTES = 3
"""Notes that are printed for each imported expert; the others are counted."""


class FetchAnnotations(RunsEachTime, DatasetTask):
    """Downloads the annotation files of a known dataset that are public, and tells where the others can be had."""

    def run(self) -> None:
        """Fetches the missing files; a broken download is resumed."""
        from pipeline.datasets.fetch_annotations import obtain

        settings = self.plan.selection.settings
        if not settings.parts:
            raise ConfigError(f"configs/datasets/{self.dataset}.yaml names no parts that could be fetched")
        obtain(settings, _download_bar, say)
        rescan(self.dataset)
        self.has_run = True


class ImportExperts(RunsEachTime, DatasetTask):
    """Imports released features of a dataset, in place of videos and extraction."""

    archive = TypedPath(default="", description="File, unpacked folder or address; by default the released one")
    release = luigi.Parameter(default="", description="Which released archive, e.g. features-v2 or high-quality")

    def run(self) -> None:
        """Fills the stores of all experts and text encoders in configs/ whose files the archive holds."""
        from pipeline.released import releases
        from tasks.plan.import_archive import import_archive

        settings = self.plan.selection.settings
        release = releases.release_of(self.dataset, settings)
        with _download_bar("Fetching the archive") as progress:
            path = releases.local(release, self.archive, self.release, progress)
        with progress_bar("Importing", "table") as progress:
            origins = import_archive(release, settings.fuse_captions, path, Paths().layout, progress)
        rescan(self.dataset)
        rows = [
            (name, origin.members[0].rsplit("/", 1)[-1], *map(str, (origin.present, origin.absent, origin.failed)))
            for name, origin in origins.items()
        ]
        columns = ["expert", "file", "present", "absent", "failed"]
        print_table(f"{self.dataset}: imported from {path}", columns, rows, 2)
        for name, origin in origins.items():
            more = len(origin.notes) - NUM_NOTES
            for note in origin.notes[:NUM_NOTES]:
                say(f"Note: {name}: {note}" + (f" (and {more} more)" if more > 0 else ""))
        say(f"Next: luigi --module tasks EvaluateCE --dataset {self.dataset} --model {release.released.model}")
        self.has_run = True


@contextmanager
def _download_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar in MiB; its callback takes bytes."""
    with progress_bar(title, "MiB") as progress:
        yield lambda done_bytes, total_bytes: progress(done_bytes >> 20, max(1, total_bytes >> 20))
