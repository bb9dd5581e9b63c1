"""Runs all stale experts in one pass: each video is decoded once, and each network gets full batches.

The items of an expert depend on its own missing videos only, and its features on no other video: they are the same
bytes whichever experts and videos share the pass, and wherever it is stopped.
"""

import dataclasses
import itertools
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

from extractors.extraction.expert_run import ExpertRun, publish
from extractors.extraction.kept import Kept
from extractors.extraction.network_thread import NetworkThread, SideThreads
from extractors.extraction.pieces import grouped, piece_of, pieces_of
from extractors.extraction.segments import Piece, Prepared
from extractors.extraction.views import prepare_piece
from extractors.extraction.watch import DECODING, StopRequestedError, Watch
from extractors.extraction.work import PassOptions, SegmentResult, Todo, Wanted, lacking
from pipeline.datasets.manifest import Video
from pipeline.datasets.stamps import CHANGED, has_changed, stamps_of
from pipeline.running.cpu import freed_memory_kept
from pipeline.running.handed_on import taken
from pipeline.running.worker_pool import KeptWorkers, run_jobs

__all__ = ["PassOptions", "Todo", "Wanted", "extract", "missing_videos", "run_pass"]

STOP_S = 4.0
"""Time for the batches in hand when the pass is stopped; then what is whole is published."""

ExtractProgress = Callable[[float, float, str], None]
"""Callback with the seconds of video that are done and those in total, and the stage that is waited for most."""


def extract(
    wanted: Sequence[Wanted],
    videos: Sequence[tuple[Path, Video]],
    options: PassOptions,
    progress: ExtractProgress = lambda done_s, total_s, stage: None,
    stop: Callable[[], bool] = lambda: False,
) -> dict[str, Exception]:
    """Fills the stores. Returns expert -> error: an expert that fails does not affect the others.

    `videos` are (file, video) in manifest order. Once `stop` answers true, what is whole is published, and no more is
    begun; it is asked several times a second.
    """
    todo = missing_videos(wanted, videos)
    total_s = seconds_of(todo)
    return run_pass(wanted, todo, options, Watch(lambda done_s, stage: progress(done_s, total_s, stage), stop))


def seconds_of(todo: Iterable[Todo]) -> float:
    """Total length of the videos that will be decoded."""
    return sum(video.duration_s for _, video, _ in todo if not video.problem)


def run_pass(
    wanted: Sequence[Wanted], todo: Iterable[Todo], options: PassOptions, watch: Watch, kept: Kept | None = None
) -> dict[str, Exception]:
    """As `extract`, with the videos from an iterator. `kept`: what this process keeps from pass to pass."""
    networks_of = (kept or Kept()).batches
    workers = kept.workers(options.workers) if kept else taken(options.workers)
    with freed_memory_kept() if options.device == "cpu" else nullcontext():
        networks, beside = NetworkThread(), SideThreads(options.workers)

        def run_of(item: Wanted) -> ExpertRun:
            if item.expert.extractor.takes_one_core:  # on the CPU: what a GPU needs around a batch is not for threads
                return ExpertRun(item, options, beside, watch, networks_of(item.expert, "cpu"))
            return ExpertRun(item, options, networks, watch, networks_of(item.expert, options.device))

        try:
            runs = {item.expert.name: run_of(item) for item in wanted}
            try:
                _feed(runs, todo, options, watch, workers)
                with nullcontext() if kept else _ending(workers):
                    publish(runs.values())
            except StopRequestedError:
                until_s = time.monotonic() + STOP_S
                for run in runs.values():
                    run.stop(until_s)
        finally:
            networks.stop()
            beside.stop()
    return {name: run.error for name, run in runs.items() if run.error}


def _feed(
    runs: dict[str, ExpertRun], todo: Iterable[Todo], options: PassOptions, watch: Watch, workers: KeptWorkers
) -> None:
    """Passes each segment to the experts that lack it, until all segments are done or all experts have failed."""

    def publish_due() -> None:
        publish(run for run in runs.values() if run.is_due())

    def idle() -> None:
        watch.waits_for(DECODING)
        publish_due()

    with closing(_results(todo, options, idle, workers)) as results:
        for result in results:
            for name in result.experts:
                runs[name].add(result)
            publish_due()
            if runs and all(run.error for run in runs.values()):
                return
            watch.advance(result.video_s)


@contextmanager
def _ending(workers: KeptWorkers) -> Iterator[None]:
    """Context in which they end, which takes a tenth of a second, beside what is done in it."""
    ending = threading.Thread(target=workers.stop, name="ending")
    ending.start()
    try:
        yield
    finally:
        ending.join()


def missing_videos(wanted: Sequence[Wanted], videos: Sequence[tuple[Path, Video]]) -> list[Todo]:
    """The videos that at least one expert lacks, with these experts; videos of equal content once."""
    return list(lacking(wanted, videos))


def _results(
    todo: Iterable[Todo], options: PassOptions, idle: Callable[[], None], workers: KeptWorkers
) -> Generator[SegmentResult]:
    """Segment by segment in the order of `todo`, those of clips as they lie in their file.

    A video that is known to be broken is not opened again.
    """
    submitted, collected = itertools.tee(grouped(_changed_marked(todo)))
    pieces = (piece_of(shares) for group in submitted for shares in pieces_of(_readable(group)))
    jobs = run_jobs(prepare_piece, pieces, workers, options.deadline_s, again=_once_more, idle=idle)
    with closing(jobs):
        for group in collected:
            for _, video, experts in group:
                if video.problem:
                    names = tuple(expert.name for expert in experts)
                    yield SegmentResult(video.content, names, 0, 1, None, video.problem)
            for shares in pieces_of(_readable(group)):
                done = next(jobs)
                nothing: list[dict[str, Prepared] | None] = [None] * len(shares)
                prepared = nothing if done.result is None else [*done.result]
                reason = done.failure.reason if done.failure else ""
                del done  # of many clips it is large: each part goes as soon as it was handed on
                for share in shares:
                    path, video, experts = share.todo
                    names = tuple(expert.name for expert in experts)
                    is_last = share.index == share.num_segments - 1
                    spoiled = CHANGED if is_last and _has_changed(path, video) else ""
                    place = share.index, share.num_segments
                    yield SegmentResult(video.content, names, *place, prepared.pop(0), reason, share.video_s, spoiled)
        next(jobs, None)  # its end: a generator that is closed before it stops the workers, also those to be kept


def _readable(group: Sequence[Todo]) -> list[Todo]:
    return [item for item in group if not item[1].problem]


def _changed_marked(todo: Iterable[Todo]) -> Iterator[Todo]:
    """The same, where a file that was changed since it was listed has that as its problem."""
    for path, video, experts in todo:
        if video.problem:
            yield path, video, experts
        elif not video.stamps:  # of a manifest that was built by an older version
            yield path, dataclasses.replace(video, stamps=stamps_of(path)), experts
        else:
            problem = CHANGED if _has_changed(path, video) else ""
            yield path, dataclasses.replace(video, problem=problem), experts


def _has_changed(path: Path, video: Video) -> bool:
    return has_changed(path, video.stamps, video.content, video.span_s)


def _once_more(piece: Piece) -> Piece | None:
    """The second try of a piece whose worker hung or died, by the second decoder where that shows the same."""
    if piece.segments[0].is_retry:
        return None
    return Piece(tuple(dataclasses.replace(segment, is_retry=True) for segment in piece.segments))
