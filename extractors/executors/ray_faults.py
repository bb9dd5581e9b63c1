"""What Ray says of a lost task in a stack of lines, as a part of one line for the user."""

from collections.abc import Sequence
from typing import Any

from extractors.executors.ray_cluster import Node
from pipeline.errors import ExtractionError, in_one_line

MAX_CHARS = 300


def why_lost(error: Exception, nodes: Sequence[Node] = ()) -> str:
    """Why a task has no result, though nothing is known to be wrong with its chunk.

    A lost host is named if it is one of `nodes`: the error knows its id at once, the cluster only after many seconds
    that the host is no more.
    """
    from ray import exceptions

    if isinstance(error, exceptions.OutOfMemoryError):
        return "Ray ended its worker, since the memory of the host ran out (with larger num_cpus, fewer run at once)"
    if isinstance(error, exceptions.NodeDiedError):
        name = next((node.name for node in nodes if node.id in str(error)), "")
        return f"its host{name and f' {name}'} was lost"
    if isinstance(error, exceptions.WorkerCrashedError):
        return "its worker process ended unexpectedly"
    return in_one_line(error)[:MAX_CHARS]


def unfit_host(error: Any) -> ExtractionError:
    """The error of a run whose task (a RayTaskError) could not even begin: the program of that host is not this one."""
    cause = error.cause if isinstance(getattr(error, "cause", None), Exception) else error
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()] or [in_one_line(cause)]
    return ExtractionError(
        f"the host {error.ip} cannot run the program: {lines[-1][:MAX_CHARS]}; install this version of it there, and "
        f"start Ray with the Python that has it"
    )
