"""Runs jobs in this process in place of worker processes, for tests of the jobs rather than of the pool."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest import mock

from pipeline.errors import OutageError, PipelineError
from pipeline.running.worker_pool import Done, Failure


def run_jobs_inline(function, jobs, *args, **options):
    """Like `run_jobs`, but in this process: a PipelineError becomes a Failure, and a crash ends the test."""
    for job in jobs:
        try:
            yield Done(job, function(job), None)
        except OutageError:
            raise
        except PipelineError as error:
            yield Done(job, None, Failure(str(error), died=False))


@contextmanager
def inline_jobs() -> Iterator[None]:
    """Context in which file inspection, extraction and stills run their jobs in this process."""
    from extractors.extraction import one_pass
    from pipeline.datasets import files
    from search.pages import stills

    with ExitStack() as patches:
        for module in (files, one_pass, stills):
            patches.enter_context(mock.patch.object(module, "run_jobs", run_jobs_inline))
        yield
