"""Tasks that make the demo's videos, and list the videos of a dataset."""

from collections.abc import Iterator

import luigi

from tasks.console.progress import progress_bar
from tasks.console.terminal import say
from tasks.dataset_task import DatasetTask, remakes_damaged
from tasks.plan.cut import cutting_expert
from tasks.plan.inventory import rescan
from tasks.plan.settings import Extraction
from tasks.plan.targets import DemoTarget, ManifestTarget


class MakeDemo(DatasetTask):
    """Makes the videos and captions of the demo dataset: real files with known content."""

    def output(self) -> DemoTarget:
        """Complete when the demo was made with the settings that the YAML has now."""
        return DemoTarget(self.plan.selection)

    @remakes_damaged
    def run(self) -> None:
        """Makes the missing videos."""
        from pipeline.demo.make import make_demo

        selection = self.plan.selection
        with progress_bar("Making the demo videos", "video") as progress:
            make_demo(selection.demo_settings, selection.demo_folder, progress)
        rescan(self.dataset)


class BuildManifest(DatasetTask):
    """Lists the videos of a dataset by content, with their captions and splits; reads only new and changed files."""

    def requires(self) -> Iterator[luigi.Task]:
        """The videos of a demo, those of any other dataset must be there; what is needed to cut videos into clips."""
        selection = self.plan.selection
        if selection.settings.demo:
            yield MakeDemo(self.dataset)
        if selection.settings.segment:
            uncut, expert = selection.uncut.dataset, cutting_expert(selection, selection.settings.segment)
            yield BuildManifest(uncut)
            if expert:  # by its name, since extraction is imported after this module, which it needs
                yield luigi.task_register.Register.get_task_cls("ExtractExpert")(dataset=uncut, expert=expert.name)

    def output(self) -> ManifestTarget:
        """Complete when the dataset's folder has not changed since it was last scanned."""
        return ManifestTarget(self.plan.inventory)

    @remakes_damaged
    def run(self) -> None:
        """Reads the new and changed files, and prints what is missing of a known dataset."""
        options = Extraction()
        with progress_bar("Looking into the files", "file") as progress:
            built = self.plan.inventory.build_manifest(options.num_workers, options.deadline_s, progress)
        for warning in built.warnings:
            say(f"Note: {warning}")
