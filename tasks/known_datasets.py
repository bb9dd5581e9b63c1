"""Gets what a known dataset is made of: its public annotation files, and features that others extracted."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import luigi

from pipeline.errors import ConfigError
from tasks.console.terminal import print_table, progress_bar, say
from tasks.dataset_task import DatasetTask
from tasks.plan.inventory import look_again
from tasks.plan.settings import Paths


class FetchAnnotations(DatasetTask):
    """Downloads the annotation files of a known dataset that are public, and tells where the others can be had."""

    done = False

    def complete(self) -> bool:
        """True once it has run."""
        return self.done

    def run(self) -> None:
        """Fetches what is not there; a broken download goes on where it stopped."""
        from pipeline.datasets.fetch_annotations import obtain

        if not self.plan.settings.parts:
            raise ConfigError(f"configs/datasets/{self.dataset}.yaml names no parts that could be fetched")
        obtain(self.plan.settings, _mib_bar, say)
        look_again(self.dataset)
        self.done = True


class ImportExperts(DatasetTask):
    """Imports released features of a dataset, in place of videos and extraction."""

    archive = luigi.Parameter(default="", description="File, unpacked folder or address; by default the released one")
    release = luigi.Parameter(default="", description="Which released archive, e.g. features-v2 or high-quality")
    done = False

    def complete(self) -> bool:
        """True once it has run."""
        return self.done

    def run(self) -> None:
        """Fills the stores of all experts and text encoders in configs/ whose files the archive holds."""
        from pipeline.released import releases
        from tasks.plan.import_archive import run_import

        release = releases.release_of(self.dataset, self.plan.settings)
        with _mib_bar("Fetching the archive") as progress:
            path = releases.local(release, self.archive, self.release, progress)
        with progress_bar("Importing", "table") as progress:
            origins = run_import(release, self.plan.settings.fuse_captions, path, Paths().layout, progress)
        look_again(self.dataset)
        rows = [(name, one.members[0].rsplit("/", 1)[-1], *map(str, (one.present, one.absent, one.failed)))
                for name, one in origins.items()]  # fmt: skip
        print_table(f"{self.dataset}: imported from {path}", ["expert", "file", "present", "absent", "failed"], rows, 2)
        for name, one in origins.items():
            for note in one.notes[:3]:
                say(f"Note: {name}: {note}" + (f" (and {len(one.notes) - 3} more)" if len(one.notes) > 3 else ""))
        say(f"Next: luigi --module tasks EvaluateCE --dataset {self.dataset} --model {release.released.model}")
        self.done = True


@contextmanager
def _mib_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar in MiB, told in bytes."""
    with progress_bar(what, "MiB") as progress:
        yield lambda done, of: progress(done >> 20, max(1, of >> 20))
