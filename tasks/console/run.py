"""What surrounds the run of a typed task: its log, --quiet and --json."""

import functools
import platform
import shlex
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, cast

import luigi

from tasks.console import recording
from tasks.console.luigi_internals import around_run, typed_options
from tasks.console.run_log import FOLDER, RunLog
from tasks.console.terminal import only_a_document, quiet
from tasks.plan.provenance import PACKAGES
from tasks.plan.settings import Output, Paths

DISTRIBUTION = "expert-retrieval"


def install_log_and_output() -> None:
    """From now on a typed task runs with a log, and prints as --quiet and --json ask for; call it last of all wraps."""
    around_run(_surrounded)


@dataclass(frozen=True)
class _Typed:
    """What was typed."""

    task: str
    is_quiet: bool
    wants_json: bool
    folder: Path
    """Of the logs."""


def _surrounded(run: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(run)
    def run_and_record(arguments: Sequence[str], *rest: Any, **options: Any) -> Any:
        typed = _typed(arguments)
        if typed is None:
            return run(arguments, *rest, **options)
        log = RunLog(typed.folder, typed.task, functools.partial(_head, arguments))
        with ExitStack() as stack:
            if typed.wants_json:
                stack.enter_context(only_a_document())
            stack.enter_context(recording.recorded(log))
            if typed.is_quiet:
                stack.enter_context(quiet())
                stack.enter_context(_warnings_in_the_log())
            stack.enter_context(_ended(log))
            result = run(arguments, *rest, **options)
            log.add(f"Luigi says: {result.status.name}")
            return result

    return run_and_record


def _typed(arguments: Sequence[str]) -> _Typed | None:
    """None where something typed or set cannot be read: the run itself then says so."""
    with suppress(Exception), typed_options(arguments) as (task, options):
        wants_json = bool(getattr(options, "json", False))
        return _Typed(task, Output().quiet, wants_json, Paths().layout.store.absolute() / FOLDER)
    return None


def _head(arguments: Sequence[str]) -> list[str]:
    """Versions, the command, and when it began."""
    names = [DISTRIBUTION, *PACKAGES]
    versions = []
    for name in names:
        with suppress(metadata.PackageNotFoundError):
            versions.append(f"{name} {metadata.version(name)}")
    return [
        f"{', '.join(versions)}, Python {platform.python_version()}, {platform.system()} {platform.machine()}",
        f"Command: {shlex.join(['luigi', *arguments])}",
        f"Log from {time.strftime('%Y-%m-%d %H:%M:%S %z')}",
    ]


@contextmanager
def _ended(log: RunLog) -> Iterator[None]:
    """Context whose end and duration are the last lines of the log."""
    start_s = time.monotonic()
    try:
        yield
    except SystemExit as end:
        log.add(f"Exit status {end.code}")
        raise
    except KeyboardInterrupt:
        log.add("Stopped by a signal")
        raise
    except Exception as error:
        recording.keep_traceback(error)
        raise
    finally:
        log.add(f"Ended after {time.monotonic() - start_s:.1f} s")
        log.close()


@contextmanager
def _warnings_in_the_log() -> Iterator[None]:
    """Context in which Python's warnings are recorded and not printed."""

    def keep(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: Any, **__: Any) -> None:
        recording.record(warnings.formatwarning(message, category, filename, lineno))

    before, warnings.showwarning = warnings.showwarning, cast(Any, keep)
    try:
        yield
    finally:
        warnings.showwarning = before


@luigi.Task.event_handler(luigi.Event.START)
def _begin_log(task: luigi.Task) -> None:
    """A task that only looks is worth no log; those that it requires are, if they have something to do."""
    if getattr(task, "keeps_log", True):
        recording.begin()
