"""A chunk of videos as a plain job, which any process of any host can do that has the same configs and folders.

Chunks are cut by the position of the videos in the manifest, whatever is lacking: so they are the same on every host
and at every start. What a host would compute otherwise (another version, other weights, another config) it refuses.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from extractors import add_own
from extractors.extraction.kept import expert_of, kept
from extractors.extraction.one_pass import run_pass
from extractors.extraction.watch import Progress, Watch
from extractors.extraction.work import PassOptions, Todo, Wanted
from extractors.extraction.work import lacking as all_lacking
from pipeline.datasets.manifest import Video
from pipeline.remote import mirror
from pipeline.stores.fingerprint import fingerprint
from pipeline.stores.keys import contained
from pipeline.weights.files import WeightOptions


@dataclass(frozen=True)
class Folders:
    """The folders that all hosts share, as absolute paths."""

    data: Path
    store: Path
    configs: Path
    mirrored: str = ""
    """Address of the object storage that `store` mirrors on each host; empty where it is a folder that all share."""


@dataclass(frozen=True)
class ChunkJob:
    """The videos of one chunk that lack features of some experts; picklable, some 15 kB."""

    number: int
    """Position of the chunk in the manifest: it holds the videos from `number * options.videos_per_part` on."""
    digest: str
    """Of the contents of all videos of the chunk, lacking or not: with the number, its name on all hosts."""
    dataset: str
    videos: tuple[tuple[Path, Video, tuple[str, ...]], ...]
    """(file, entry without captions, names of the experts that lack it) in manifest order; equal content once."""
    experts: Mapping[str, str]
    """Name -> fingerprint of the recipe, of the experts that any of the videos lacks."""
    stores: Mapping[str, Path]
    """Name -> folder of the expert's features, an absolute path."""
    folders: Folders
    weights: WeightOptions
    options: PassOptions

    @property
    def video_s(self) -> float:
        """Length of the videos that will be decoded."""
        return sum(video.duration_s for _, video, _ in self.videos if not video.problem)


@dataclass(frozen=True)
class Terms:
    """What all jobs of a run have in common."""

    dataset: str
    folders: Folders
    weights: WeightOptions
    options: PassOptions


def chunk_jobs(wanted: Sequence[Wanted], videos: Sequence[tuple[Path, Video]], terms: Terms) -> Iterator[ChunkJob]:
    """The jobs of what is lacking, in manifest order; a chunk that lacks nothing has none.

    `videos` are (file, video) of the whole manifest. Of several with equal content the first one is extracted.
    """
    size, seen = terms.options.videos_per_part, set[str]()
    all_experts = {item.expert.name: (fingerprint(item.expert.recipe), item.folder.absolute()) for item in wanted}
    for first in range(0, len(videos), size):
        lacking = []
        block = videos[first : first + size]
        contents = [video.content for _, video in block]
        wanting = [contained(item.keys, contents) for item in wanted]
        for place, (path, video) in enumerate(block):
            names = tuple(item.expert.name for item, wants in zip(wanted, wanting, strict=True) if wants[place])
            if names and video.content not in seen:
                seen.add(video.content)
                lacking.append((path.absolute(), dataclasses.replace(video, captions=()), names))
        if lacking:
            needed = [name for name in all_experts if any(name in names for *_, names in lacking)]
            yield ChunkJob(
                first // size,
                fingerprint({"videos": contents}),
                terms.dataset,
                tuple(lacking),
                {name: all_experts[name][0] for name in needed},
                {name: all_experts[name][1] for name in needed},
                terms.folders,
                terms.weights,
                terms.options,
            )


def total_video_s(wanted: Sequence[Wanted], videos: Sequence[tuple[Path, Video]]) -> float:
    """Length of the videos that the jobs of `chunk_jobs` will decode."""
    return sum(video.duration_s for _, video, _ in all_lacking(wanted, videos) if not video.problem)


def extract_chunk(
    job: ChunkJob,
    progress: Progress = lambda done_s, stage: None,
    stop: Callable[[], bool] = lambda: False,
) -> dict[str, Exception]:
    """Fills the stores with what the job lacks; expert -> error of those that failed, which costs the others nothing.

    The experts are built from the configs of this host, once per process, and their networks are loaded once per
    process and device. ConfigError where a fingerprint differs here. Once `stop` answers true, what is whole is
    published, and no more is begun.
    """
    if job.folders.mirrored:
        mirror.make(job.folders.store, job.folders.mirrored)
    add_own(job.folders.configs.parent)  # a project's own extractors lie beside its configs
    wanted = [
        Wanted(expert_of(name, expected, job.folders.configs, job.weights), job.stores[name], frozenset())
        for name, expected in job.experts.items()
    ]
    return run_pass(wanted, todo_of([job], wanted), job.options, Watch(progress, stop), kept)


def without(job: ChunkJob, is_there: Callable[[str, str], bool]) -> ChunkJob | None:
    """The job without the rows that are there, as `is_there(expert, content)` says; None where nothing is lacking."""
    lacking = []
    for path, video, names in job.videos:
        left = tuple(name for name in names if not is_there(name, video.content))
        if left:
            lacking.append((path, video, left))
    needed = {name for *_, names in lacking for name in names}
    experts = {name: one for name, one in job.experts.items() if name in needed}
    return dataclasses.replace(job, videos=tuple(lacking), experts=experts) if lacking else None


def todo_of(jobs: Iterable[ChunkJob], wanted: Sequence[Wanted]) -> Iterator[Todo]:
    """The videos of the jobs one after another, with those of the `wanted` experts that lack them."""
    experts = {item.expert.name: item.expert for item in wanted}
    for job in jobs:
        for path, video, names in job.videos:
            yield path, video, tuple(experts[name] for name in names)
