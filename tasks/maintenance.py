"""Tasks that compute no result: status of all stages, retry of failed videos, deletion of old results."""

import dataclasses
from collections.abc import Sequence

import luigi

from pipeline import config
from pipeline.datasets import manifest
from pipeline.stores import claims, places, store
from tasks.console.terminal import print_json, print_table, say, tell
from tasks.dataset_task import SEEDS_HELP, DatasetTask, ModelTask, RunsEachTime, remakes_damaged
from tasks.parameters import json_parameter, split_parameter
from tasks.plan.garbage import find_garbage, size_bytes
from tasks.plan.search_status import search_status
from tasks.plan.settings import Paths
from tasks.plan.status import StageStatus, status


class Status(RunsEachTime, ModelTask):
    """Says for each stage whether it is fresh, or stale and why. Runs nothing.

    With --json: {dataset, model, split, stages}; each stage has stage, fresh (true or false) and why.
    """

    keeps_log = False

    seeds = luigi.Parameter(default="", description=SEEDS_HELP)
    split = split_parameter("Split of the report")
    json = json_parameter()

    @remakes_damaged
    def run(self) -> None:
        """Prints the table."""
        stages = [*status(self.plan, self.seeds, self.split), *search_status(self.plan, self.seeds, self.split)]
        if self.json:
            plain = [dataclasses.asdict(stage) for stage in stages]
            model = self.plan.selection.model_name
            print_json({"dataset": self.dataset, "model": model, "split": self.split, "stages": plain})
        else:
            self._print(stages)
        self.has_run = True

    def _print(self, stages: Sequence[StageStatus]) -> None:
        rows = [(stage.stage, "fresh" if stage.fresh else "STALE", stage.why) for stage in stages]
        print_table(self.dataset, ["stage", "", "why"], rows, 3)


class ForgetFailures(RunsEachTime, DatasetTask):
    """Forgets the failed videos of a dataset, so that the next run tries them again."""

    @remakes_damaged
    def run(self) -> None:
        """Deletes the failed rows of all experts, and the claims on chunks, of which some may have been left alone."""
        videos, selection = self.plan.inventory.manifest(), self.plan.selection
        contents = videos.videos.contents if videos else []
        for name in config.names(selection.layout.configs / "experts"):
            num_forgotten = store.forget(selection.layout.features(selection.expert(name)), contents)
            if num_forgotten:
                tell(f"{name}: {num_forgotten} failed videos will be tried again")
        # A host that is at one now loses nothing by it: at worst, another one does the same.
        num_chunks = claims.forget(claims.claims_of(selection.layout.store), claims.chunk_claims(self.dataset))
        if num_chunks:
            tell(f"{num_chunks} claimed chunks will be tried again")
        # A file that could not be read may be readable now: other permissions, a disk that is back, a newer decoder.
        manifest.delete_pointers(selection.layout.manifests(self.dataset))
        self.has_run = True


class CollectGarbage(RunsEachTime, luigi.Task):
    """Lists the results that no config asks for any more, and damaged ones; deletes what it lists with --delete.

    A result is listed only when something that its recipe names has changed or is gone; what cannot be told is kept.
    """

    delete = luigi.BoolParameter(description="Really delete them")

    @property
    def keeps_log(self) -> bool:  # type: ignore[override]
        """Whether anything is deleted."""
        return bool(self.delete)

    @remakes_damaged
    def run(self) -> None:
        """Prints the table, and deletes where --delete is given."""
        garbage = find_garbage(Paths().layout)
        for title, listed in (
            ("No config asks for:", garbage.results),
            ("Left half-written by killed runs:", garbage.abandoned),
            ("Damaged, and set aside:", garbage.damaged),
        ):
            rows = [(str(path), f"{size_bytes(path) / 1e6:.1f} MB") for path in listed]
            if rows:
                print_table(title, ["folder", "size"], rows)
        for note in garbage.notes:
            say(f"Note: {note}")
        paths = garbage.paths
        for path in paths if self.delete else []:
            places.remove(path)
        tell(f"{len(paths)} {'deleted' if self.delete else 'found; --delete removes them' if paths else 'found'}")
        self.has_run = True
