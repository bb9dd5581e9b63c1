"""Runs all stale experts in one pass: each video is decoded once, and each network gets full batches.

The items and batches of an expert depend on its own missing videos only, so that its features are the same bytes
whichever experts share the pass.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

from extractors.extraction.expert_run import ExpertRun, PassOptions, SegmentResult, Wanted
from extractors.extraction.network_thread import NetworkThread
from extractors.extraction.views import Segment, num_segments, prepare_segment
from extractors.registry import NamedExpert
from pipeline.datasets.manifest import Video
from pipeline.running.cpu import freed_memory_kept
from pipeline.running.worker_pool import run_jobs

__all__ = ["PassOptions", "Todo", "Wanted", "extract", "missing_videos", "run_pass"]

Todo = tuple[Path, Video, tuple[NamedExpert, ...]]
"""A file, its entry in the manifest, and the experts that lack its features."""


def extract(
    wanted: Sequence[Wanted],
    videos: Sequence[tuple[Path, Video]],
    options: PassOptions,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> dict[str, Exception]:
    """Fill the stores. Returns expert -> error: an expert that fails does not affect the others.

    `videos` are (file, video) in manifest order. `progress` is called with the numbers of videos done and in total.
    """
    todo = missing_videos(wanted, videos)
    return run_pass(wanted, todo, options, lambda done: progress(done, len(todo)))


def run_pass(
    wanted: Sequence[Wanted], todo: Iterable[Todo], options: PassOptions, progress: Callable[[int], None]
) -> dict[str, Exception]:
    """As `extract`, with the videos from an iterator; `progress` is called with the number of videos done."""
    with freed_memory_kept() if options.device == "cpu" else nullcontext():
        networks = NetworkThread()
        try:
            runs = {item.expert.name: ExpertRun(item, options, networks) for item in wanted}
            _feed(runs, todo, options, progress)
        finally:
            networks.stop()
    return {name: run.error for name, run in runs.items() if run.error}


def _feed(
    runs: dict[str, ExpertRun], todo: Iterable[Todo], options: PassOptions, progress: Callable[[int], None]
) -> None:
    """Pass each segment to the experts that lack it, until all segments are done or all experts have failed."""
    done = 0
    for result in _results(todo, options):
        for name in result.experts:
            if runs[name].error is None:
                runs[name].add(result)
        if result.is_last:
            done += 1
            progress(done)
        if all(run.error for run in runs.values()):
            break
    for run in runs.values():
        run.close()


def missing_videos(wanted: Sequence[Wanted], videos: Sequence[tuple[Path, Video]]) -> list[Todo]:
    """The videos that at least one expert lacks, with these experts; videos of equal content once."""
    todo, seen = [], set()
    for path, video in videos:
        experts = tuple(item.expert for item in wanted if video.content in item.keys)
        if experts and video.content not in seen:
            seen.add(video.content)
            todo.append((path, video, experts))
    return todo


def _results(todo: Iterable[Todo], options: PassOptions) -> Iterator[SegmentResult]:
    """Segment by segment in the order of `todo`; a video that is known to be broken is not opened again."""
    submitted, collected = itertools.tee(todo)
    readable = (item for item in submitted if not item[1].problem)
    jobs = run_jobs(prepare_segment, _segments(readable), options.workers, options.deadline_s, again=_with_pyav)
    for _, video, experts in collected:
        names = tuple(expert.name for expert in experts)
        if video.problem:
            yield SegmentResult(video.content, names, 0, 1, None, video.problem)
            continue
        num = num_segments(video.duration_s)
        for index in range(num):
            done = next(jobs)
            reason = done.failure.reason if done.failure else ""
            yield SegmentResult(video.content, names, index, num, done.result, reason)


def _segments(todo: Iterable[Todo]) -> Iterator[Segment]:
    for path, video, experts in todo:
        for index in range(num_segments(video.duration_s)):
            yield Segment(path, video.content, index, tuple(expert.id for expert in experts))


def _with_pyav(segment: Segment) -> Segment | None:
    """The second try of a segment whose worker hung or died: with PyAV, the more robust decoder."""
    return None if segment.decoder == "pyav" else dataclasses.replace(segment, decoder="pyav")
