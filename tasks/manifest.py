"""The list of a dataset's videos, and the demo's videos themselves."""

from collections.abc import Iterable

import luigi

from tasks.console.terminal import progress_bar, say
from tasks.dataset_task import DatasetTask
from tasks.plan.inventory import look_again
from tasks.plan.settings import Extraction
from tasks.plan.targets import DemoTarget, ManifestTarget


class MakeDemo(DatasetTask):
    """Makes the videos and captions of the demo dataset: real files with known content."""

    def output(self) -> DemoTarget:
        """Present when the demo was made with the settings that the YAML has now."""
        return DemoTarget(self.plan)

    def run(self) -> None:
        """Makes what is missing of it."""
        from pipeline.demo.make import make_demo

        with progress_bar("Making the demo videos", "video") as progress:
            make_demo(self.plan.demo_settings, self.plan.demo_folder, progress)
        look_again(self.dataset)


class BuildManifest(DatasetTask):
    """Lists the videos of a dataset by content, with their captions and splits; reads only new and changed files."""

    def requires(self) -> Iterable[luigi.Task]:
        """The demo must be made; other datasets are found."""
        return [MakeDemo(self.dataset)] if self.plan.settings.demo else []

    def output(self) -> ManifestTarget:
        """Present when the folder looks as it did when it was last looked into."""
        return ManifestTarget(self.plan)

    def run(self) -> None:
        """Looks into what is new."""
        options = Extraction()
        with progress_bar("Looking into the files", "file") as progress:
            built = self.plan.build_manifest(options.num_workers, options.deadline_s, progress)
        for warning in built.warnings:
            say(f"Note: {warning}")
