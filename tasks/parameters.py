"""Parameters that several tasks share, and those that Luigi joins when it batches stale tasks into one run."""

import uuid
from collections.abc import Iterable
from typing import Any

import luigi

from pipeline.datasets.splits import SPLITS

RUN_ID = uuid.uuid4().hex[:8]
"""Id of this process."""


def names_in(text: str) -> list[str]:
    """The names in a text with commas between, without blanks and empty names."""
    return [name.strip() for name in text.split(",") if name.strip()]


def split_parameter(description: str) -> luigi.ChoiceParameter:
    """A split of a dataset; by default the test split."""
    return luigi.ChoiceParameter(choices=SPLITS, default="test", description=description)


def joined_names(description: str, **options: Any) -> luigi.Parameter:
    """Names with commas between; a batched task has the names of all of its tasks, sorted."""
    return luigi.Parameter(batch_method=_join, description=description, **options)


def hidden_joined_names() -> luigi.Parameter:
    """As `joined_names`, but no part of a task's identity, and hidden in the help."""
    return joined_names("", default="", visibility=luigi.parameter.ParameterVisibility.HIDDEN)


def hidden_unnamed() -> luigi.Parameter:
    """What a task is told by those that require it: no part of its identity, and hidden in the help."""
    hidden = luigi.parameter.ParameterVisibility.HIDDEN
    return luigi.Parameter(default="", significant=False, visibility=hidden)


def run_id() -> luigi.Parameter:
    """The id of this process in a batched task, empty in any other.

    On a long-lived luigid, a batched task that a later process forms again stays "running" for ever (luigi 3.8.1). With
    the id of the process in its identity it is another task.
    """
    hidden = luigi.parameter.ParameterVisibility.HIDDEN
    return luigi.Parameter(default="", batch_method=lambda ids: RUN_ID, visibility=hidden)


def _join(texts: Iterable[str]) -> str:
    return ",".join(sorted({name for text in texts for name in names_in(text)}))
