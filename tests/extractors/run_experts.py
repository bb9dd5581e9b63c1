"""Runs the extraction pass on a few files, in this process or with workers, and reads what it has stored."""

import dataclasses
import functools
import tempfile
from collections.abc import Sequence
from pathlib import Path

from extractors import registry
from extractors.base import Plugin
from extractors.extraction.one_pass import PassOptions, Wanted, extract
from extractors.registry import NamedExpert
from pipeline.datasets.manifest import Video
from pipeline.datasets.stamps import content_of
from pipeline.errors import DecodeError
from pipeline.media.sidecars import sidecars
from pipeline.media.video import probe
from pipeline.stores import parts, store
from pipeline.stores.parts import Features
from pipeline.weights import cache
from pipeline.weights.files import WeightOptions
from tests.inline_jobs import inline_jobs

EXPERTS = Path(__file__).parents[2] / "configs" / "experts"
OPTIONS = PassOptions(workers=2, deadline_s=60.0, videos_per_part=64, device="cpu")


@functools.lru_cache(maxsize=1)
def packaged_options() -> WeightOptions:
    """Where nothing but installed packages has weights."""
    return WeightOptions(Path(tempfile.mkdtemp(prefix="weights-")), offline=True)


def is_packaged(plugin: Plugin) -> bool:
    """Whether all its weights are files of packages, and those are installed."""
    files = list(plugin.source.files.values())
    if not files or not all(file.package for file in files):
        return False
    return not cache.missing(list(plugin.weight_files().values()), packaged_options())


@functools.lru_cache(maxsize=64)
def named(name: str, batch_size: int = 0, gpu_batch_size: int = 0) -> NamedExpert:
    """A shipped expert, with stand-in weights where it would download any; its networks are loaded once."""
    if not batch_size:
        expert = registry.expert(name, EXPERTS, packaged_options())
        if not is_packaged(expert.extractor):
            expert = registry.expert(name, EXPERTS, WeightOptions(seeded=True))
        expert.extractor.load = functools.cache(expert.extractor.load)
        return expert
    expert = named(name)
    runtime = dataclasses.replace(expert.config.runtime, batch_size=batch_size, gpu_batch_size=gpu_batch_size)
    return dataclasses.replace(expert, config=dataclasses.replace(expert.config, runtime=runtime))


def video_of(path: Path) -> Video:
    """The entry that a manifest would have for a file."""
    content = content_of(path, sidecars(path))
    try:
        info = probe(path)
    except DecodeError as error:
        return Video(path.name, content, "", (), 0.0, False, False, False, problem=str(error))
    return Video(
        path.name,
        content,
        "",
        (),
        info.duration_s,
        info.has_video,
        info.has_audio,
        info.has_subtitles,
        info.note,
        seekable=info.seekable,
    )


def run_pass(
    experts: Sequence[NamedExpert],
    videos: Sequence[tuple[Path, Video]],
    folder: Path,
    options: PassOptions = OPTIONS,
    progress=lambda done_s, total_s, stage: None,
    in_process: bool = True,
) -> dict[str, Exception]:
    """Fill `folder / <expert>` with the missing videos of each expert; `in_process`: without worker processes."""
    contents = {video.content for _, video in videos}
    wanted = []
    for expert in experts:
        store.forget_scans()
        present = store.rows(folder / expert.name)
        wanted.append(Wanted(expert, folder / expert.name, frozenset(contents - present.keys())))
    if not in_process:
        return extract(wanted, videos, options, progress)
    with inline_jobs():
        return extract(wanted, videos, options, progress)


def features_of(folder: Path, expert: NamedExpert, video: Video) -> Features:
    """The features of a video that the pass has stored."""
    store.forget_scans()
    features = parts.read_features(folder / expert.name, video.content)
    assert features is not None, f"{expert.name} has no row of {video.video_id}"
    return features


def row_of(folder: Path, expert: NamedExpert, video: Video) -> store.Row:
    """The row of a video that the pass has stored."""
    store.forget_scans()
    return store.rows(folder / expert.name)[video.content]
