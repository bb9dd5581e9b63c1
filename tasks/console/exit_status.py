"""Ends a command with one number for all mistakes of the person who typed it, wherever they were found."""

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any

import luigi
from luigi.parameter import MissingParameterException, ParameterException
from luigi.task_register import TaskClassException

from pipeline import config, project
from pipeline.errors import AnnotationError, ConfigError
from tasks.console.luigi_internals import around_run, is_unparsable_value, unparsable_setting
from tasks.console.terminal import console_errors
from tasks.plan.settings import Paths

MISTAKE = 2
"""As argparse and most programs have it."""

_MISTAKES = (ConfigError, AnnotationError, ParameterException, TaskClassException)
_MISTAKE_IN_TRACEBACK = re.compile(r"^pipeline\.errors\.(ConfigError|AnnotationError): ", re.MULTILINE)
_MISSING = re.compile(r"^(\w+).*requires the '(\w+)' parameter")
_FOLDERS = {"dataset": "datasets", "model": "models", "models": "models", "expert": "experts", "experts": "experts"}
"""Parameter -> folder of configs/ that holds what can be typed for it."""

_failures: list[bool] = []
"""Of each failure of this run, whether it is a mistake."""
_asked: list[int] = []
"""Exit statuses that tasks of this run asked for."""


def install_exit_status() -> None:
    """From now on a command ends with MISTAKE where nothing but mistakes kept it from its end."""
    around_run(_judged)


def end_with(status: int) -> None:
    """The command ends with this status, though no task failed."""
    _asked.append(status)


def is_mistake(error: BaseException) -> bool:
    """Whether an error is a mistake of the person who typed the command or wrote a config or captions."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_mistake(member) for member in error.exceptions)
    return isinstance(error, _MISTAKES) or is_unparsable_value(error)


def remember_traceback(text: str) -> None:
    """To be called with what luigi logs of an error in complete(), of which it keeps nothing else."""
    _failures.append(bool(_MISTAKE_IN_TRACEBACK.search(text)))


def mistake_message(error: BaseException) -> str:
    """The message of a mistake; for a parameter that was not typed with what could be typed."""
    if isinstance(error, MissingParameterException) and (found := _MISSING.match(str(error))):
        task, parameter = found.groups()
        return f"{task} needs --{parameter.replace('_', '-')}{''.join(_choices(parameter))}"
    if setting := unparsable_setting(error):
        return f"{project.SETTINGS}: {setting}"
    return str(error)


def _choices(parameter: str) -> Iterator[str]:
    names = config.names(Paths().layout.configs / _FOLDERS[parameter]) if parameter in _FOLDERS else []
    if names:
        yield f"; there are: {', '.join(names)}"


def _judged(run: Callable[..., Any]) -> Callable[..., Any]:
    """Luigi's run, which then ends the process with MISTAKE where only mistakes were in the way."""

    @functools.wraps(run)
    def run_and_judge(*args: Any, **options: Any) -> Any:
        _failures.clear()
        _asked.clear()
        try:
            result = run(*args, **options)
        except Exception as error:
            if not is_mistake(error):
                raise
            console_errors.print(f"ERROR: {mistake_message(error)}", markup=False)
            raise SystemExit(MISTAKE) from None
        if _failures and all(_failures):
            raise SystemExit(MISTAKE)
        if _asked and not _failures:
            raise SystemExit(max(_asked))
        return result

    return run_and_judge


@luigi.Task.event_handler(luigi.Event.BROKEN_TASK)
@luigi.Task.event_handler(luigi.Event.FAILURE)
def _remember(task: luigi.Task, error: BaseException) -> None:
    _failures.append(is_mistake(error))
