"""One pass over the videos for all stale experts: each file is decoded once, each network sees full batches.

What an expert gets, and in which batches, depends on its own missing videos alone: fused or alone gives the same bytes.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

from extractors.extraction.expert_run import ExpertRun, Outcome, PassOptions, Wanted
from extractors.extraction.network_thread import NetworkThread
from extractors.extraction.views import Segment, num_segments, prepare_segment
from extractors.registry import NamedExpert
from pipeline.datasets.manifest import Video
from pipeline.running.cpu import freed_memory_kept
from pipeline.running.worker_pool import run_jobs

__all__ = ["PassOptions", "Todo", "Wanted", "extract", "run_pass", "what_is_lacking"]

Todo = tuple[Path, Video, tuple[NamedExpert, ...]]
"""A file, what it is, and the experts that lack it."""


def extract(
    wanted: Sequence[Wanted],
    videos: Sequence[tuple[Path, Video]],
    options: PassOptions,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> dict[str, Exception]:
    """Fills the stores; returns what went wrong, by expert: an expert that fails never costs the others.

    `videos` are (file, video) in manifest order. `progress` is told how many videos are done, and of how many.
    """
    todo = what_is_lacking(wanted, videos)
    return run_pass(wanted, todo, options, lambda done: progress(done, len(todo)))


def run_pass(
    wanted: Sequence[Wanted], todo: Iterable[Todo], options: PassOptions, progress: Callable[[int], None]
) -> dict[str, Exception]:
    """As `extract`, with what is to do told piece by piece; `progress` is told how many videos are done."""
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
    """Each segment to the experts that lack it, until all is done or all have failed."""
    done = 0
    for outcome in _outcomes(todo, options):
        for name in outcome.experts:
            if runs[name].error is None:
                runs[name].take(outcome)
        if outcome.is_last:
            done += 1
            progress(done)
        if all(run.error for run in runs.values()):
            break
    for run in runs.values():
        run.close()


def what_is_lacking(wanted: Sequence[Wanted], videos: Sequence[tuple[Path, Video]]) -> list[Todo]:
    """Each content once, with the experts that lack it."""
    todo, seen = [], set()
    for path, video in videos:
        lacking = tuple(item.expert for item in wanted if video.content in item.keys)
        if lacking and video.content not in seen:
            seen.add(video.content)
            todo.append((path, video, lacking))
    return todo


def _outcomes(todo: Iterable[Todo], options: PassOptions) -> Iterator[Outcome]:
    """Segment by segment in the order of `todo`; a video that is known to be broken is not opened again."""
    ahead, behind = itertools.tee(todo)
    good = (item for item in ahead if not item[1].problem)
    results = run_jobs(prepare_segment, _jobs(good), options.workers, options.deadline_s, again=_by_pyav)
    for _, video, experts in behind:
        names = tuple(expert.name for expert in experts)
        if video.problem:
            yield Outcome(video.content, names, 0, 1, None, video.problem)
            continue
        num = num_segments(video.duration_s)
        for index in range(num):
            done = next(results)
            reason = done.failure.reason if done.failure else ""
            yield Outcome(video.content, names, index, num, done.result, reason)


def _jobs(todo: Iterable[Todo]) -> Iterator[Segment]:
    for path, video, experts in todo:
        for index in range(num_segments(video.duration_s)):
            yield Segment(path, video.content, index, tuple(expert.id for expert in experts))


def _by_pyav(segment: Segment) -> Segment | None:
    """The second try of a segment whose worker hung or died: by the decoder that is slower to trip."""
    return None if segment.decoder == "pyav" else dataclasses.replace(segment, decoder="pyav")
