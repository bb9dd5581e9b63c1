"""Parameters of tasks that Luigi joins into one run when several of them are stale."""

import uuid
from collections.abc import Iterable
from typing import Any

import luigi

RUN_ID = uuid.uuid4().hex[:8]


def names_in(told: str) -> list[str]:
    """The names with commas between."""
    return [name.strip() for name in told.split(",") if name.strip()]


def _join(all_told: Iterable[str]) -> str:
    return ",".join(sorted({name for told in all_told for name in names_in(told)}))


def joined_names(description: str, **options: Any) -> luigi.Parameter:
    """Names with commas between; in a joined task those of all."""
    return luigi.Parameter(batch_method=_join, description=description, **options)


def joined_names_beside() -> luigi.Parameter:
    """As `joined_names`, but a task is the same whatever they are."""
    return joined_names("", default="", visibility=luigi.parameter.ParameterVisibility.HIDDEN)


def run_id() -> luigi.Parameter:
    """An id of this process in a joined task, nothing in others.

    On a long-lived luigid, the same joined task formed again by a later process runs for ever (luigi 3.8.1); an id of
    the process in its identity prevents that.
    """
    hidden = luigi.parameter.ParameterVisibility.HIDDEN
    return luigi.Parameter(default="", batch_method=lambda ids: RUN_ID, visibility=hidden)
