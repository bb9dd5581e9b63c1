"""Videos of one's own: the dataset's YAML, and what an extraction will take."""

from collections.abc import Iterator

import luigi

from pipeline.datasets.new_dataset import write_dataset
from tasks.console.extraction_estimate import announce_extraction
from tasks.console.terminal import say
from tasks.dataset_task import ModelTask
from tasks.fetch_weights import FetchWeights, expert_networks
from tasks.manifest import BuildManifest
from tasks.plan.plan import plan
from tasks.plan.settings import Extraction, Paths


class NewDataset(luigi.Task):
    """Writes configs/datasets/<name>.yaml for a folder of videos, with captions or without."""

    name = luigi.Parameter(description="What the dataset shall be called")
    videos = luigi.Parameter(description="Folder with the videos, at any depth, in any container")
    captions = luigi.Parameter(
        default="", description='A .csv (columns video, caption, split) or .jsonl; else the ".txt" beside each video'
    )
    model = luigi.Parameter(default="ce_light", description="Name of a file in configs/models/")
    done = False

    def complete(self) -> bool:
        """True once it has run."""
        return self.done

    def run(self) -> None:
        """Writes it, and tells what is in it and what to type next."""
        layout = Paths().layout
        made = write_dataset(self.name, self.videos, self.captions, self.model, layout.configs / "datasets")
        splits = ", ".join(f"{count} {split}" for split, count in made.splits.items())
        captioned = f"{made.num_captioned} with captions{splits and f' ({splits})'}"
        say(f"Wrote {made.path}: {made.num_videos} videos, {captioned}")
        if made.unknown:
            say(f"Note: {len(made.unknown)} names in the captions fit no video, e.g. {made.unknown[0]!r}")
        empty = [split for split, count in made.splits.items() if not count]
        if empty:
            say(f"Note: nothing in {' and '.join(empty)}; name splits in the captions, or change split_fractions")
        if made.splits:
            say(f"Next: luigi --module tasks EvaluateCE --dataset {self.name}")
        else:
            experts = ",".join(plan(layout, self.name).expert_names)
            say("Without captions there is nothing to train or test on; the features can be extracted and searched:")
            say(f"Next: luigi --module tasks ExtractExpert --dataset {self.name} --expert {experts}")
        self.done = True


class EstimateExtraction(ModelTask):
    """Tells what the extraction of a model's experts will take: videos, hours, time and disk. Keeps nothing."""

    done = False

    def requires(self) -> Iterator[luigi.Task]:
        """The list of the videos, and the weights of the networks that are tried out."""
        yield BuildManifest(self.dataset)
        yield FetchWeights(expert_networks(",".join(self.plan.expert_names)), self.dataset)

    def complete(self) -> bool:
        """True once it has told."""
        return self.done

    def run(self) -> None:
        """Probes a few pieces."""
        names = [expert.name for expert in self.plan.experts if not expert.is_imported]
        wanted = self.plan.wanted(names)
        if wanted:
            announce_extraction(wanted, self.plan.files(), Extraction(), self.plan.layout.store, estimated=True)
        else:
            say("Nothing to extract: all experts have all videos")
        self.done = True
