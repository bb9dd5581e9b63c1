"""Sections of luigi.cfg, and what can be typed with any task: where things lie, speed and patience."""

from pathlib import Path
from typing import TYPE_CHECKING

import luigi

from pipeline.weights.files import WeightOptions
from tasks.plan.layout import Layout

if TYPE_CHECKING:
    from extractors.extraction.one_pass import PassOptions


class Weights(luigi.Config):
    """Where the networks' weights come from, and where they are kept."""

    cache = luigi.Parameter(default="", description="Folder of the files; by default weights/ in the data folder")
    mirror = luigi.Parameter(default="", description="Address of a copy of a filled cache, in place of the sources")
    offline = luigi.BoolParameter(default=False, description="Fetch nothing")
    seeded = luigi.BoolParameter(
        default=False, description="Stand-ins in place of files: runs everything, and the features mean nothing"
    )

    def options(self, data: Path) -> WeightOptions:
        """As the floors below take them."""
        cache = Path(self.cache) if self.cache else data / "weights"
        return WeightOptions(cache, self.mirror, self.offline, self.seeded)


class Paths(luigi.Config):
    """Section [Paths] of luigi.cfg: where things lie."""

    data = luigi.Parameter(default="data", description="Folder for videos, stores and results")
    configs = luigi.Parameter(default="configs", description="Folder with the YAMLs")

    @property
    def layout(self) -> Layout:
        """The folders below these two."""
        return Layout(Path(self.data), Path(self.configs), Weights().options(Path(self.data)))


class Partial(luigi.Config):
    """Typed as `--allow-partial`, with any task."""

    use_cmdline_section = False
    allow_partial = luigi.BoolParameter(
        description="Go on when videos or annotations of a known dataset are missing", always_in_help=True
    )


class Extraction(luigi.Config):
    """Section [Extraction] of luigi.cfg: speed and patience, nothing that changes a feature."""

    workers = luigi.IntParameter(default=0, description="Decode workers; 0 = one per core")
    deadline_s = luigi.FloatParameter(default=300.0, description="Seconds for one 32-second segment of a video")
    videos_per_part = luigi.IntParameter(default=64, description="Videos in a part: what a kill may cost")
    device = luigi.Parameter(
        default="auto", description="auto (every GPU, or the CPU), cpu, or GPUs with commas between: cuda:0,cuda:1"
    )

    @property
    def num_workers(self) -> int:
        """The setting, or one per core."""
        from pipeline.running.worker_pool import num_workers

        return num_workers(self.workers)

    @property
    def devices(self) -> tuple[str, ...]:
        """Those that extract side by side, a process each; what is no pass over videos runs on the first."""
        from extractors.networks.device import resolve_all

        return resolve_all(self.device)

    def options(self) -> "PassOptions":
        """What a pass over the videos is told; of several devices each has its share of the decode workers."""
        from extractors.extraction.one_pass import PassOptions
        from extractors.networks.device import share_cores

        first, num_devices = self.devices[0], len(self.devices)
        workers = max(1, share_cores(self.workers, first) // num_devices)
        return PassOptions(workers, self.deadline_s, self.videos_per_part, first)
