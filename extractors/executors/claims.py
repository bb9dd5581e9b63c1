"""Shares chunks among copies of the same command on many hosts that have one store, e.g. of a SLURM array.

A host takes a chunk by a claim, which it renews while it extracts, and looks after that what is still lacking. So a
chunk that is done twice, e.g. where a host was taken for dead, costs time and nothing else: its rows are equal. Each
host ends when all chunks are done, by whichever host.
"""

import dataclasses
import itertools
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from extractors.executors.agreement import agree
from extractors.executors.base import EngineOptions, Outcome, RunOptions
from extractors.executors.lacking import Lacking
from extractors.extraction.job import ChunkJob, extract_chunk
from extractors.extraction.kept import adopt, kept
from pipeline.errors import ConfigError, ExtractionError, PipelineError
from pipeline.stores.claimant import Claimant
from pipeline.stores.claims import Taken, chunk_claims, claims_of

log = logging.getLogger(__name__)


class ClaimsExecutor:
    """Extracts in this process those chunks that no other host has claimed."""

    def __init__(self, engine: EngineOptions, run: RunOptions) -> None:
        self._engine = engine
        self._run = run
        self._lacking = Lacking(run.wanted)
        self._done_s = 0.0
        self._has_failed = False
        for item in run.wanted:
            adopt(item.expert)

    def outcomes(self, jobs: Iterable[ChunkJob], stop: Callable[[], bool]) -> Iterator[Outcome]:
        """As an Executor: of all chunks, also of those that others have done.

        ConfigError where a live host computes an expert otherwise than this one.
        """
        remaining = iter(jobs)
        first = next(remaining, None)
        if first is None:
            return
        claimant = Claimant(claims_of(first.folders.store), self._engine.expiry_s)
        try:
            agreed = agree(claimant, first.dataset, self._run.wanted, stop)
            self._lacking.refresh()
            yield from self._all(itertools.chain([first], remaining), claimant, stop)
            if not stop() and not self._has_failed:
                for name in agreed:  # all is done, also for the other hosts
                    claimant.claims.release(name)
        finally:
            kept.stop()
            claimant.close()

    def _all(self, jobs: Iterable[ChunkJob], claimant: Claimant, stop: Callable[[], bool]) -> Iterator[Outcome]:
        waiting = list[ChunkJob]()
        for job in jobs:
            if stop():
                return
            waiting.append(job)
            yield from self._look(waiting, waiting[-1:], claimant, stop)
        while waiting and not stop():
            self._lacking.refresh()
            before = len(waiting)
            yield from self._look(waiting, list(waiting), claimant, stop)
            if len(waiting) == before and waiting:
                self._run.progress(self._done_s, f"other hosts, {len(waiting)} chunks")
                time.sleep(claimant.poll_s)

    def _look(
        self, waiting: list[ChunkJob], at: list[ChunkJob], claimant: Claimant, stop: Callable[[], bool]
    ) -> Iterator[Outcome]:
        """Does those of the jobs `at` that nobody has; the outcomes of all `waiting` jobs that are done by now."""
        for job in at:
            if self._lacking.of(job) is not None and not stop():
                errors = self._attempt(job, claimant, stop)
                if errors is not None and not stop():
                    yield self._over(waiting, job, errors)
        for job in [job for job in waiting if self._lacking.of(job) is None]:
            yield self._over(waiting, job, {})

    def _over(self, waiting: list[ChunkJob], job: ChunkJob, errors: Mapping[str, Exception]) -> Outcome:
        waiting.remove(job)
        self._done_s += job.video_s
        self._has_failed |= bool(errors)
        self._run.progress(self._done_s, "")
        return Outcome(job.number, errors, job.video_s)

    def _attempt(self, job: ChunkJob, claimant: Claimant, stop: Callable[[], bool]) -> dict[str, Exception] | None:
        """Extracts a chunk; errors by expert, or of the chunk where it was given up. None while another host has it."""
        name = f"{chunk_claims(job.dataset)}/{job.number:06}-{job.digest}"
        taken = claimant.take(name, self._engine.tries)
        if taken is None:
            return None
        if not claimant.is_own(taken):
            return {f"chunk {job.number}": _used_up(job, taken)}
        if taken.tries > 1:
            log.warning("Chunk %d is taken over: its host has ended, or was not heard of for long", job.number)
        try:
            self._lacking.refresh()
            rest = self._lacking.of(job)
            errors = self._extract(rest, stop) if rest else {}
        except PipelineError:  # of this host, or mended by the task
            claimant.release(name)
            raise
        except Exception:
            claimant.leave(name)
            raise
        claimant.release(name)
        return errors

    def _extract(self, job: ChunkJob, stop: Callable[[], bool]) -> dict[str, Exception]:
        own = dataclasses.replace(job, options=dataclasses.replace(job.options, device=self._run.devices[0]))
        errors = extract_chunk(own, lambda done_s, stage: self._run.progress(self._done_s + done_s, stage), stop)
        self._lacking.give_up(errors)
        self._lacking.refresh()
        return errors


def executor(engine: EngineOptions, run: RunOptions) -> ClaimsExecutor:
    """The executor of this module; ConfigError where this process has several devices."""
    if len(run.devices) > 1:
        raise ConfigError(
            f"[Engine] name = claims extracts on one device a process, not on {', '.join(run.devices)}: start the "
            "command once for each, with [Extraction] device = cuda:0, cuda:1 ..."
        )
    return ClaimsExecutor(engine, run)


def _used_up(job: ChunkJob, last: Taken) -> ExtractionError:
    names = [path.name for path, *_ in job.videos]
    return ExtractionError(
        f"chunk {job.number} of {job.dataset} ({len(names)} videos, {names[0]} to {names[-1]}) is left alone: "
        f"{last.tries} processes ended while they extracted it, the last one on {last.host}; see what ended them "
        f"(memory?), then luigi --module tasks ForgetFailures --dataset {job.dataset} lets it be tried again"
    )
