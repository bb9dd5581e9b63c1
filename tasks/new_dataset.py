"""Tasks for videos of one's own: write the dataset's YAML, and estimate what the extraction takes."""

from collections.abc import Iterator

import luigi

from pipeline.datasets.new_dataset import write_dataset
from pipeline.datasets.splits import FILL_SPLITS
from tasks.console.extraction_estimate import announce_extraction
from tasks.console.gpu_costs import print_gpu_costs
from tasks.console.terminal import say
from tasks.dataset_task import ModelTask, RunsEachTime
from tasks.fetch_weights import FetchWeights, expert_networks
from tasks.manifest import BuildManifest
from tasks.parameters import TypedPath
from tasks.plan.plan import load_plan
from tasks.plan.settings import Extraction, Paths


class NewDataset(RunsEachTime, luigi.Task):
    """Writes configs/datasets/<name>.yaml for a folder of videos, with captions or without."""

    name = luigi.Parameter(description="What the dataset shall be called")
    videos = TypedPath(
        description="Folder with the videos, at any depth, in any container; or an address, or a .txt of addresses"
    )
    captions = TypedPath(
        default="",
        description='A .csv or .tsv (columns video, caption, split) or .jsonl; else the ".txt" beside each video',
    )
    model = luigi.Parameter(default="ce_light", description="Name of a file in configs/models/")

    def run(self) -> None:
        """Writes the YAML, and prints what the dataset holds and the command that comes next."""
        layout = Paths().layout
        made = write_dataset(self.name, self.videos, self.captions, self.model, layout)
        splits = ", ".join(f"{count} {split}" for split, count in made.splits.items())
        captioned = f"{made.num_captioned} with captions{splits and f' ({splits})'}"
        say(f"Wrote {made.path}: {made.num_videos} videos, {captioned}")
        for warning in made.warnings:
            say(f"Note: {warning}")
        if made.unknown:
            say(f"Note: {len(made.unknown)} names in the captions fit no video, e.g. {made.unknown[0]!r}")
        empty = [split for split, count in made.splits.items() if not count]
        if empty:
            say(f"Note: nothing in {' and '.join(empty)}, and EvaluateCE stops where a split is empty; {FILL_SPLITS}")
        if made.splits:
            say(f"Next: luigi --module tasks EvaluateCE --dataset {self.name}")
        else:
            experts = ",".join(load_plan(layout, self.name).selection.expert_names)
            say("Without captions there is nothing to train or test on; the features can be extracted and searched:")
            say(f"Next: luigi --module tasks ExtractExpert --dataset {self.name} --expert {experts}")
        self.has_run = True


class EstimateExtraction(RunsEachTime, ModelTask):
    """Tells what the extraction of a model's experts will take: videos, hours, time and disk. Keeps nothing.

    With --gpu nothing is tried out: the times are those measured on such a GPU, and the videos need not be there.
    """

    gpu = luigi.Parameter(default="", description="A GPU that was measured, e.g. h200; empty: try it out here")
    measured = luigi.Parameter(default="", description="File of the figures; by default benchmarks/gpu.json")

    def requires(self) -> Iterator[luigi.Task]:
        """The manifest, and the weights of the networks that are tried out."""
        if self.gpu:
            return
        yield BuildManifest(self.dataset)
        yield FetchWeights(expert_networks(",".join(self.plan.selection.expert_names)), self.dataset)

    def run(self) -> None:
        """Extracts a few segments on trial, or looks up what was measured, and prints the estimate."""
        if self.gpu:
            print_gpu_costs(self.plan.inventory, self.gpu, self.measured)
        else:
            self._try_out()
        self.has_run = True

    def _try_out(self) -> None:
        selection, inventory = self.plan.selection, self.plan.inventory
        wanted = inventory.missing_features(expert.name for expert in selection.experts if not expert.is_imported)
        if wanted:
            announce_extraction(wanted, inventory.files(), Extraction(), selection.layout.store, estimated=True)
        else:
            say("Nothing to extract: all experts have all videos")
