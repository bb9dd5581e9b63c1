"""Parameters that several tasks share, and those that Luigi joins when it batches stale tasks into one run."""

import os
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import luigi

from pipeline.config import nearest
from pipeline.datasets.splits import SPLITS
from pipeline.errors import ConfigError

RUN_ID = uuid.uuid4().hex[:8]
"""Id of this process."""


def names_in(text: str) -> list[str]:
    """The names in a text with commas between, without blanks and empty names."""
    return [name.strip() for name in text.split(",") if name.strip()]


class Choice(luigi.ChoiceParameter):
    """One of some words; another one is a ConfigError that names the nearest and lists all. `option`: e.g. --split."""

    def __init__(self, option: str, choices: Sequence[str], **more: Any) -> None:
        self._option, self.words = option, tuple(choices)
        super().__init__(choices=choices, **more)

    def parse(self, typed: str) -> str:
        """The word that was typed."""
        if typed not in self.words:
            raise ConfigError(f"{self._option} {typed}: no such choice{nearest(typed, self.words)}")
        return typed


class TypedPath(luigi.Parameter):
    """A path that is relative to where it was typed, also if that is not the project folder; or an address."""

    def parse(self, typed: str) -> str:
        """The path from the project folder, or as it was typed where that is the same."""
        is_path = typed and "://" not in typed and typed not in ("*.txt", "*.json")  # captions beside the videos
        if not is_path or _typed_in is None or Path(typed).expanduser().is_absolute():
            return typed
        return os.path.relpath(_typed_in / typed)


_typed_in: Path | None = None
"""Where the command was typed; None: in the project folder."""


def typed_in(folder: Path) -> None:
    """Says where the command was typed."""
    global _typed_in  # noqa: PLW0603 - a fact of the process, as the current folder is
    _typed_in = folder


def split_parameter(description: str) -> luigi.ChoiceParameter:
    """A split of a dataset; by default the test split."""
    return Choice("--split", SPLITS, default="test", description=description)


def trec_parameter() -> luigi.BoolParameter:
    """Whether the rankings are written for the tools of information retrieval too."""
    return luigi.BoolParameter(description="Write the rankings in the form of TREC too, and print nDCG@10, MAP and MRR")


def json_parameter() -> luigi.BoolParameter:
    """Whether the result is one JSON document, in place of what people read."""
    what = "Print the result as one JSON document; all else goes to standard error"
    return luigi.BoolParameter(significant=False, description=what)


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
