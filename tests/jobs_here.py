"""Jobs in this process in place of worker processes: what is tested is what they do, and not the pool."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest import mock

from pipeline.errors import PipelineError
from pipeline.running.worker_pool import Done, Failure


def run_jobs_here(function, jobs, *rest, **more):
    """As `run_jobs`, without its pool: slower by nothing, and a crash is a crash."""
    for job in jobs:
        try:
            yield Done(job, function(job), None)
        except PipelineError as error:
            yield Done(job, None, Failure(str(error), died=False))


@contextmanager
def jobs_here() -> Iterator[None]:
    """For looking into files, for the fused pass, and for stills."""
    from extractors.extraction import one_pass
    from pipeline.datasets import files
    from search.pages import stills

    with ExitStack() as patches:
        for module in (files, one_pass, stills):
            patches.enter_context(mock.patch.object(module, "run_jobs", run_jobs_here))
        yield
