"""Adds to `--help` what each task does, and hides the options that nobody should type."""

import argparse
import difflib
import functools
import inspect
from typing import NoReturn

from luigi.parameter import ParameterVisibility
from luigi.task_register import Register

from pipeline.config import nearest
from pipeline.errors import ConfigError
from tasks.console.exit_status import MISTAKE
from tasks.console.luigi_internals import before_help, options_of
from tasks.console.project_folder import enter

FIRST_TASKS = ("MakeDemo", "BuildManifest", "ExtractExpert", "EncodeText", "TrainCE", "EvaluateCE")
"""Listed first, in the order in which they run; all others follow by name."""


def describe_tasks_in_help() -> None:
    """From now on `--help` begins with the description of the task, or with a list of all tasks where none is named.

    A mistyped option is answered in one line. Luigi's own help lists options only, and each of them twice.
    """
    before_help(_describe)


def our_tasks() -> list[str]:
    """The names of the tasks that can be typed, sorted: those of this package that have a `run`."""
    tasks = {name: Register.get_task_cls(name) for name in Register.task_names()}
    return sorted(name for name, task in tasks.items() if task.__module__.startswith("tasks.") and "run" in vars(task))


def _describe(parser: argparse.ArgumentParser, known: argparse.Namespace) -> None:
    wants_help = known.core_help or known.core_help_all
    try:
        if known.root_task or not wants_help:
            refuse_unknown_task(known.root_task)
        _describe_task(parser, known)
        if not wants_help:
            _enter(known)
    except ConfigError as error:
        parser.exit(MISTAKE, f"ERROR: {error}\n")


def _enter(known: argparse.Namespace) -> None:
    """Goes into the project folder; a task that looks for what is wrong runs where none can be entered, too."""
    try:
        enter(known.Project_project or "", known.Paths_configs or "")
    except ConfigError:
        if getattr(Register.get_task_cls(known.root_task), "needs_project", True):
            raise


def refuse_unknown_task(typed: str | None) -> None:
    """ConfigError where no task was typed, or one that is unknown; luigi's own answers list tasks that are not ours."""
    if typed not in Register.task_names():
        start = f"no task {typed}" if typed else "no task was named"
        raise ConfigError(f"{start}{nearest(typed or '', our_tasks())}")


def _describe_task(parser: argparse.ArgumentParser, known: argparse.Namespace) -> None:
    parser.usage = f"luigi --module tasks {known.root_task or '<task>'} [options]"
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.error = functools.partial(_exit_with_hint, parser)  # type: ignore[method-assign]
    parser.description = _task_description(known.root_task) if known.root_task else _list_of_tasks()
    if known.core_help_all or known.root_task not in Register.task_names():
        return
    hidden = _hidden_options(known.root_task)
    for option in options_of(parser):
        # --EvaluateCE-dataset means the same as --dataset.
        if any(word.startswith(f"--{known.root_task}-") or word in hidden for word in option.option_strings):
            option.help = argparse.SUPPRESS


def _hidden_options(task: str) -> set[str]:
    """The options of a task that are not for people to type."""
    params = Register.get_task_cls(task).get_params()
    return {f"--{name.replace('_', '-')}" for name, param in params if param.visibility != ParameterVisibility.PUBLIC}


def _exit_with_hint(parser: argparse.ArgumentParser, message: str) -> NoReturn:
    """Ends with one line for a mistyped option, which names the nearest one that exists."""
    known = [word for option in options_of(parser) for word in option.option_strings]
    typed = next((word.rstrip(":") for word in message.split() if word.startswith("--")), "")
    nearest = difflib.get_close_matches(typed, known, 1) if typed not in known else []
    hint = f" (did you mean {nearest[0]}?)" if nearest else ""
    parser.exit(MISTAKE, f"ERROR: {message}{hint}; --help after the name of a task lists its options\n")


def _task_description(name: str) -> str:
    return inspect.cleandoc(Register.get_task_cls(name).__doc__ or "")


def _list_of_tasks() -> str:
    names = [*FIRST_TASKS, *(name for name in our_tasks() if name not in FIRST_TASKS)]
    width = max(map(len, names))
    return "\n".join(f"{name:{width}}  {_task_description(name).splitlines()[0]}" for name in names)
