"""Sections of luigi.cfg, which can also be typed as options of any task: paths, weights, speed of the extraction."""

from pathlib import Path
from typing import TYPE_CHECKING

import luigi

from pipeline.project import VARIABLE
from pipeline.remote_files.home import Reading
from pipeline.weights.files import WeightOptions
from tasks.plan.layout import Layout

if TYPE_CHECKING:
    from extractors.executors.base import EngineOptions
    from extractors.extraction.one_pass import PassOptions


DEFAULTS = {
    "core": {
        "local_scheduler": "true",
        "workers": "1",
        "log_level": "WARNING",
        "no_lock": "true",
        "autoload_range": "false",
    },
    "worker": {"keep_alive": "false", "check_complete_on_run": "true", "cache_task_completion": "false"},
    "scheduler": {"stable_done_cooldown_secs": "0"},
    "resources": {"gpu": "1"},
    "retcode": {
        "already_running": "10",
        "missing_data": "20",
        "not_run": "25",
        "task_failed": "30",
        "scheduling_error": "35",
        "unhandled_exception": "40",
    },
}
"""Settings of luigi where no luigi.cfg has them: its own defaults wait for a daemon, and exit 0 after a failure."""


class Project(luigi.Config):
    """The option --project, which can be typed with any task."""

    use_cmdline_section = False
    project = luigi.Parameter(
        default="",
        description=f"The project folder; by default ${VARIABLE}, or the nearest with configs/ upwards from here",
        always_in_help=True,
    )


class Output(luigi.Config):
    """The option --quiet, which can be typed with any task."""

    use_cmdline_section = False
    quiet = luigi.BoolParameter(description="Print only errors and the result", always_in_help=True)


class Weights(luigi.Config):
    """Section [Weights]: where the networks' weights come from, and where they are kept."""

    cache = luigi.Parameter(default="", description="Folder of the files; by default weights/ in the data folder")
    mirror = luigi.Parameter(default="", description="Address of a copy of a filled cache, in place of the sources")
    offline = luigi.BoolParameter(default=False, description="Fetch nothing")
    seeded = luigi.BoolParameter(
        default=False, description="Stand-ins in place of files: runs everything, and the features mean nothing"
    )

    def options(self, data: Path) -> WeightOptions:
        """The section as options of the weight cache; `data` is the data folder, which holds the default cache."""
        cache = Path(self.cache) if self.cache else data / "weights"
        return WeightOptions(cache, self.mirror, self.offline, self.seeded)


class Videos(luigi.Config):
    """Section [Videos]: how videos that lie elsewhere are read; nothing here changes a feature, `hash_bytes` keys."""

    whole_mb = luigi.FloatParameter(default=64.0, description="Remote files up to this size are fetched whole")
    cache_gb = luigi.FloatParameter(default=20.0, description="Disk space for what was fetched, in data/cache/bytes")
    look_again_s = luigi.FloatParameter(default=30.0, description="What was listed so recently is not listed again")
    hash_bytes = luigi.BoolParameter(default=False, description="Tell remote videos apart by a hash of all their bytes")

    @property
    def reading(self) -> Reading:
        """The section as settings of the reading."""
        return Reading(self.whole_mb, self.cache_gb, self.look_again_s, self.hash_bytes)


class Paths(luigi.Config):
    """Section [Paths]: the data folder, the folder of configs, and where results are kept."""

    data = luigi.Parameter(default="data", description="Folder for videos, stores and results")
    configs = luigi.Parameter(default="configs", description="Folder with the YAMLs")
    store = luigi.Parameter(
        default="",
        description="Where results are kept: a folder, by default store/ in the data folder, or s3://bucket/prefix",
    )

    @property
    def layout(self) -> Layout:
        """The paths below these folders."""
        data = Path(self.data)
        return Layout(data, Path(self.configs), Weights().options(data), self.store, Videos().reading)


class Partial(luigi.Config):
    """The option --allow-partial, which can be typed with any task."""

    use_cmdline_section = False
    allow_partial = luigi.BoolParameter(
        description="Go on when videos or annotations of a known dataset are missing", always_in_help=True
    )


class Extraction(luigi.Config):
    """Section [Extraction]: speed, timeouts, and what a kill may cost; nothing here changes a feature."""

    workers = luigi.IntParameter(default=0, description="Decode workers; 0 = one per core, fewer for what needs fewer")
    deadline_s = luigi.FloatParameter(default=300.0, description="Seconds for one 32-second segment of a video")
    videos_per_part = luigi.IntParameter(default=64, description="Videos that are whole before they are published")
    seconds_per_part = luigi.FloatParameter(default=60.0, description="Or the time since the last ones, if shorter")
    megabytes_per_part = luigi.FloatParameter(default=256.0, description="Or the size of their features, if smaller")
    device = luigi.Parameter(
        default="auto", description="auto (every GPU, or the CPU), cpu, or GPUs with commas between: cuda:0,cuda:1"
    )

    @property
    def num_workers(self) -> int:
        """Number of worker processes: `workers`, or one per core."""
        from pipeline.running.worker_pool import num_workers

        return num_workers(self.workers)

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices that extract side by side, one process each; all other work runs on the first one."""
        from extractors.networks.device import resolve_all

        return resolve_all(self.device)

    def options(self) -> "PassOptions":
        """Options of one extraction process; each of several devices gets its share of the decode workers."""
        from extractors.extraction.one_pass import PassOptions
        from extractors.networks.device import share_cores

        first, num_devices = self.devices[0], len(self.devices)
        workers = max(1, share_cores(self.workers, first) // num_devices)
        return PassOptions(
            workers,
            self.deadline_s,
            max(1, self.videos_per_part),
            first,
            self.seconds_per_part,
            self.megabytes_per_part,
        )


class Engine(luigi.Config):
    """Section [Engine]: where the chunks of an extraction run; nothing here changes a feature."""

    name = luigi.Parameter(default="local", description="local (this machine), claims (equal commands on many), or ray")
    address = luigi.Parameter(default="", description="Of a Ray cluster: auto or HOST:PORT; empty: started for the run")
    num_gpus = luigi.FloatParameter(default=-1.0, description="GPUs of one Ray task; -1 = one where there are any")
    num_cpus = luigi.FloatParameter(default=1.0, description="Cores of one Ray task")
    memory_gb = luigi.FloatParameter(default=0.0, description="Memory of one Ray task; 0 = not said")
    in_flight = luigi.IntParameter(default=0, description="Chunks submitted to Ray at once; 0 = as fill the cluster")
    expiry_s = luigi.FloatParameter(default=60.0, description="Silence after which a claim is taken over")
    tries = luigi.IntParameter(
        default=5, description="Processes that may end on a claimed chunk before it is left alone"
    )

    def options(self) -> "EngineOptions":
        """The section as options of an executor."""
        from extractors.executors.base import EngineOptions

        return EngineOptions(
            name=self.name,
            address=self.address,
            num_gpus=self.num_gpus,
            num_cpus=self.num_cpus,
            memory_gb=self.memory_gb,
            in_flight=self.in_flight,
            expiry_s=self.expiry_s,
            tries=self.tries,
        )
