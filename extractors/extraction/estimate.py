"""Estimates the time and disk space of an extraction from a trial run on the beginnings of a few videos."""

import dataclasses
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from extractors.extraction.one_pass import extract
from extractors.extraction.work import PassOptions, Todo, Wanted, lacking
from pipeline.datasets.manifest import Video
from pipeline.untrusted.archives import scratch

SAMPLE_S = 32.0
"""Length of the beginning of a video that is extracted: one segment of the pass."""

Videos = Sequence[tuple[Path, Video]]


@dataclass(frozen=True)
class Estimate:
    """The remaining work of an extraction, and what it will take."""

    num_videos: int
    hours: float
    """Total length of the videos."""
    seconds: float
    """Estimated time of the extraction."""
    num_bytes: int
    """Estimated size of the features."""
    num_probed: int
    """Number of videos in the trial run."""


def estimate(wanted: Sequence[Wanted], videos: Videos, options: PassOptions, folder: Path) -> Estimate:
    """Runs the pass on two sets of samples of different length, which separates the start-up time from the rate.

    The features go to a temporary folder below `folder`, which is removed. Time and size are taken to be proportional
    to the length of the videos.
    """
    durations_s = [video.duration_s for _, video, _ in _usable(wanted, videos)]
    samples = _samples(_usable(wanted, videos), len(durations_s), 1 + 4 * options.workers)
    with scratch(folder) as temporary:
        first = _run(wanted, samples[:1], options, temporary / "first")
        rest = _run(wanted, samples[1:] or samples, options, temporary / "rest")
        num_bytes = sum(path.stat().st_size for path in (temporary / "rest").rglob("*") if path.is_file())
    total_s = sum(durations_s)
    sampled_s = max(rest.video_s, 1e-6)
    rate = (rest.wall_s - first.wall_s) / (rest.video_s - first.video_s) if rest.video_s > first.video_s else 0.0
    rate = rate if rate > 0 else rest.wall_s / sampled_s
    start_up_s = max(0.0, first.wall_s - rate * first.video_s)
    return Estimate(
        len(durations_s),
        total_s / 3600,
        start_up_s + rate * total_s,
        int(num_bytes / sampled_s * total_s),
        len(samples),
    )


@dataclass(frozen=True)
class _Run:
    """The length of the samples of a trial run, and the time that it took."""

    video_s: float
    wall_s: float


def _usable(wanted: Sequence[Wanted], videos: Videos) -> Iterator[Todo]:
    return (item for item in lacking(wanted, videos) if not item[1].problem)


def _samples(todo: Iterator[Todo], num_videos: int, num: int) -> list[tuple[Path, Video]]:
    """The beginnings of `num` of the videos, evenly spaced."""
    chosen = itertools.islice(itertools.islice(todo, 0, None, max(1, num_videos // num)), num)
    return [(path, _beginning(video)) for path, video, _ in chosen]


def _beginning(video: Video) -> Video:
    """The first SAMPLE_S of a video or clip."""
    length_s = min(video.duration_s, SAMPLE_S)
    span_s = (video.start_s, video.start_s + length_s) if video.span_s else ()
    return dataclasses.replace(video, duration_s=length_s, span_s=span_s)


def _run(wanted: Sequence[Wanted], samples: Videos, options: PassOptions, folder: Path) -> _Run:
    assert all(video.duration_s <= SAMPLE_S for _, video in samples)
    keys = frozenset(video.content for _, video in samples)
    start = time.perf_counter()
    extract([Wanted(item.expert, folder / item.expert.name, keys) for item in wanted], samples, options)
    return _Run(sum(video.duration_s for _, video in samples), time.perf_counter() - start)
