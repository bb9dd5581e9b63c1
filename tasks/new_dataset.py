"""Tasks for videos of one's own: write the dataset's YAML, and estimate what the extraction takes."""

import shlex
from collections.abc import Iterator

import luigi

from pipeline.datasets.new_dataset import Options, write_dataset
from pipeline.datasets.splits import FILL_SPLITS
from tasks.console.extraction_estimate import tell_estimate
from tasks.console.gpu_costs import print_gpu_costs
from tasks.console.terminal import print_json, say, tell
from tasks.dataset_task import ModelTask, RunsEachTime
from tasks.fetch_weights import FetchWeights, expert_networks
from tasks.manifest import BuildManifest
from tasks.parameters import TypedPath, json_parameter
from tasks.plan.settings import Extraction, Paths


class NewDataset(RunsEachTime, luigi.Task):
    """Writes configs/datasets/<name>.yaml for a folder of videos, with captions or without."""

    name = luigi.Parameter(description="What the dataset shall be called")
    videos = TypedPath(
        description="Folder with the videos, at any depth; an address, a .txt of addresses, *.tar, a .parquet, *.mp4"
    )
    captions = TypedPath(
        default="",
        description='A .csv, .tsv, .jsonl or .parquet (columns video, caption, split); else ".txt" beside each video',
    )
    model = luigi.Parameter(default="ce_light", description="Name of a file in configs/models/")
    only_named = luigi.BoolParameter(description="Leave out the videos that the captions do not name")

    def run(self) -> None:
        """Writes the YAML, and prints what the dataset holds and the command that comes next."""
        layout = Paths().layout
        made = write_dataset(
            self.name, self.videos, self.captions, self.model, layout, Options(only_named=self.only_named)
        )
        splits = ", ".join(f"{count} {split}" for split, count in made.splits.items())
        captioned = f"{made.num_captioned} with captions{splits and f' ({splits})'}"
        clips = f" and {made.num_clips} clips of them" if made.num_clips else ""
        tell(f"Wrote {made.path}: {made.num_videos} videos{clips}, {captioned}")
        for warning in made.warnings:
            say(f"Note: {warning}")
        if made.unknown:
            say(f"Note: {len(made.unknown)} names in the captions fit no video, e.g. {made.unknown[0]!r}")
        empty = [split for split, count in made.splits.items() if not count]
        if empty:
            say(f"Note: nothing in {' and '.join(empty)}, and EvaluateCE stops where a split is empty; {FILL_SPLITS}")
        self._say_next(bool(made.splits))
        self.has_run = True

    def _say_next(self, has_captions: bool) -> None:
        """Prints the commands that may come next: to search, and to train."""
        search = f"python -m search --videos {shlex.quote(self.videos)}"
        if has_captions:
            say(f"Next, to train a model and test it: luigi --module tasks EvaluateCE --dataset {self.name}")
            say(f"then, to search with the model: luigi --module tasks BuildIndex --dataset {self.name} && "
                f"python -m search --dataset {self.name}")  # fmt: skip
            say(f"Or search at once, without training: {search}")
        else:
            say(f"Next, to search: {search}")
            say("Without captions there is nothing to train or test on: name a file of them under captions: in "
                f"{Paths().layout.configs}/datasets/{self.name}.yaml, then luigi --module tasks EvaluateCE --dataset "
                f"{self.name}; or BuildIndex --dataset {self.name} --trained-on another dataset")  # fmt: skip


class EstimateExtraction(RunsEachTime, ModelTask):
    """Tells what the extraction of a model's experts will take: videos, hours, time and disk. Keeps nothing.

    With --gpu nothing is tried out: the times are those measured on such a GPU, and the videos need not be there.

    With --json: {dataset, experts, videos, hours of video, seconds, bytes, devices, judged_by: pieces of videos}; all 0
    where there is nothing to extract. With --gpu: {dataset, gpu, cores, date, hours, experts, reason}, each expert with
    times_real_time and hours, null where not measured; without figures of the GPU no experts, and reason says so.
    """

    keeps_log = False

    gpu = luigi.Parameter(default="", description="A GPU that was measured, e.g. h200; empty: try it out here")
    measured = luigi.Parameter(default="", description="File of the figures; by default benchmarks/gpu.json")
    json = json_parameter()

    def requires(self) -> Iterator[luigi.Task]:
        """The manifest, and the weights of the networks that are tried out."""
        if self.gpu:
            return
        yield BuildManifest(self.dataset)
        yield FetchWeights(expert_networks(",".join(self.plan.selection.expert_names)), self.dataset)

    def run(self) -> None:
        """Extracts a few segments on trial, or looks up what was measured, and prints the estimate."""
        if self.gpu:
            print_gpu_costs(self.plan.inventory, self.gpu, self.measured, self.json)
        else:
            self._try_out()
        self.has_run = True

    def _try_out(self) -> None:
        selection, inventory = self.plan.selection, self.plan.inventory
        wanted = inventory.missing_features(expert.name for expert in selection.experts if not expert.is_imported)
        told = tell_estimate(
            wanted, inventory.files(), Extraction(), selection.layout.store, say if self.json else tell
        )
        if self.json:
            print_json({"dataset": self.dataset} | told)
