"""What `--help` says: Luigi's lists options only, and each of them twice."""

import argparse
import difflib
import functools
import inspect
from typing import NoReturn

from luigi.cmdline_parser import CmdlineParser
from luigi.parameter import Parameter, ParameterVisibility
from luigi.task_register import Register

PUBLIC = ParameterVisibility.PUBLIC

MAIN_LINE = ("MakeDemo", "BuildManifest", "ExtractExpert", "EncodeText", "TrainCE", "EvaluateCE")


def explain_tasks_in_help() -> None:
    """From now on `--help` begins with what the task does, or with all tasks where none is named."""
    show = CmdlineParser._possibly_exit_with_help

    def explain_and_show(parser: argparse.ArgumentParser, known: argparse.Namespace) -> None:
        parser.usage = f"luigi --module tasks {known.root_task or '<task>'} [options]"
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.error = functools.partial(_refuse, parser)  # type: ignore[method-assign]
        parser.description = _of_task(known.root_task) if known.root_task else _of_all()
        for action in [] if known.core_help_all else parser._actions:
            if _is_beside_the_point(action, known.root_task):
                action.help = argparse.SUPPRESS
        show(parser, known)

    CmdlineParser._possibly_exit_with_help = staticmethod(explain_and_show)  # type: ignore[method-assign]


def _is_beside_the_point(action: argparse.Action, task: str | None) -> bool:
    """Whether an option is nobody's to type, or means the same as a shorter one: --EvaluateCE-dataset and --dataset."""
    hidden = [f"--{name.replace('_', '-')}" for name, one in _params(task) if one.visibility != PUBLIC]
    return any(option.startswith(f"--{task}-") or option in hidden for option in action.option_strings)


def _params(task: str | None) -> list[tuple[str, Parameter]]:
    """Of a task, by name; none of one that is not known, of which Luigi tells."""
    return list(Register.get_task_cls(task).get_params()) if task in Register.task_names() else []


def our_tasks() -> list[str]:
    """The tasks that can be typed, sorted."""
    every = {name: Register.get_task_cls(name) for name in Register.task_names()}
    return sorted(name for name, cls in every.items() if cls.__module__.startswith("tasks.") and "run" in vars(cls))


def _refuse(parser: argparse.ArgumentParser, message: str) -> NoReturn:
    """One line for a mistyped option, with the nearest that there is."""
    known = [option for action in parser._actions for option in action.option_strings]
    wrong = next((word.rstrip(":") for word in message.split() if word.startswith("--")), "")
    near = difflib.get_close_matches(wrong, known, 1) if wrong not in known else []
    hint = f" (did you mean {near[0]}?)" if near else ""
    parser.exit(2, f"ERROR: {message}{hint}; --help after the name of a task lists its options\n")


def _of_task(name: str) -> str:
    return inspect.cleandoc(Register.get_task_cls(name).__doc__ or "")


def _of_all() -> str:
    names = [*MAIN_LINE, *(name for name in our_tasks() if name not in MAIN_LINE)]
    width = max(map(len, names))
    return "\n".join(f"{name:{width}}  {_of_task(name).splitlines()[0]}" for name in names)
