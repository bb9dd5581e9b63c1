"""Private functions and names of luigi and argparse that the program relies on, each behind one function.

Any release of luigi may change them: pyproject.toml keeps it below the next minor version, and the tests of this module
name what is gone.
"""

import argparse
import functools
import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import luigi
from luigi import interface
from luigi.cmdline_parser import CmdlineParser
from luigi.task_register import Register

PARAMETER_MODULE = "luigi.parameter"
_SETTING = re.compile(r"^([\w.]+)\[.*\]: Error when parsing the default value of '(\w+)'$", re.DOTALL)

Settings = Mapping[str, Mapping[str, str]]
"""Section -> option -> value."""


def before_help(prepare: Callable[[argparse.ArgumentParser, argparse.Namespace], None]) -> None:
    """From now on calls `prepare` with the parser and the known arguments before luigi prints its help.

    Luigi has no hook for its help. It calls `_possibly_exit_with_help` with the complete parser once for each command
    line, with --help or without, and only then parses the options strictly.
    """
    print_and_exit = CmdlineParser._possibly_exit_with_help

    def prepare_and_print(parser: argparse.ArgumentParser, known: argparse.Namespace) -> None:
        prepare(parser, known)
        print_and_exit(parser, known)

    CmdlineParser._possibly_exit_with_help = staticmethod(prepare_and_print)  # type: ignore[method-assign]


def keep_parsers() -> None:
    """From now on luigi builds equal parsers once, as long as there are the same tasks.

    It builds three for each look at a command line, and looks at it four times. The one of a task is another than the
    one that only looks which task is typed: `before_help` changes it.
    """
    build = CmdlineParser._build_parser

    @functools.lru_cache(maxsize=8)
    def built(tasks: tuple[type, ...], **options: Any) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = build(**options)
        return parser

    CmdlineParser._build_parser = staticmethod(  # type: ignore[assignment,method-assign]
        lambda **options: built(tuple(Register._reg), **options)
    )


def around_run(wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """From now on luigi's command calls `wrap(run)`, where `run` runs the typed task.

    Luigi has no hook between the end of a run and the choice of the exit status.
    """
    interface._run = wrap(interface._run)


def set_defaults(defaults: Settings) -> None:
    """Sets options where neither luigi.cfg nor another file does."""
    config = luigi.configuration.get_config()
    for section, options in defaults.items():
        for option, value in options.items():
            if not config.has_option(section, option):
                config.set(section, option, value)


def read_settings_of(folder: Path, defaults: Settings) -> None:
    """Replaces the settings by those of luigi.cfg in `folder`, and of the file that LUIGI_CONFIG_PATH names.

    Luigi reads luigi.cfg of the current folder when it is imported. A file that LUIGI_CONFIG_PATH names is relative to
    the current folder.
    """
    parser = type(luigi.configuration.get_config())
    local = {"client.cfg", "luigi.cfg"}
    parser._config_paths = [
        str(folder / path) if path in local else str(Path(path).absolute()) for path in parser._config_paths
    ]
    if named := os.environ.get("LUIGI_CONFIG_PATH"):
        os.environ["LUIGI_CONFIG_PATH"] = str(Path(named).absolute())  # for processes that are started later
    parser._instance = None
    set_defaults(defaults)


def options_of(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """The arguments that were added to a parser: argparse has no public list of them."""
    return parser._actions


@contextmanager
def typed_options(arguments: Sequence[str]) -> Iterator[tuple[str, argparse.Namespace]]:
    """Context in which settings are as typed; yields the name of the task and its options, as texts."""
    with CmdlineParser.global_instance(list(arguments)) as parser:
        yield parser.known_args.root_task, parser.known_args


def typed_task() -> luigi.Task | None:
    """The task that was typed on the command line; None where tasks are built from Python."""
    parser = CmdlineParser.get_instance()
    return None if parser is None else parser.get_task_obj()


def loggers() -> list[logging.Logger]:
    """The loggers to which luigi writes; their names are documented nowhere."""
    return [logging.getLogger(name) for name in ("luigi", "luigi-interface")]


def unparsable_setting(error: BaseException) -> str:
    """What of the settings could not be parsed, e.g. "[Weights] offline: cannot ..."; empty for any other error.

    Luigi raises a plain ValueError from the one of the parameter, and names the option in its message only.
    """
    found = _SETTING.match(str(error)) if isinstance(error, ValueError) and error.__cause__ else None
    return f"[{found[1]}] {found[2]}: {error.__cause__}" if found else ""


def is_unparsable_value(error: BaseException) -> bool:
    """Whether a value of the command line, or of the settings, could not be parsed.

    Luigi raises a plain ValueError for it. Only the module that raised it, at the end of the traceback, tells it from a
    ValueError of a bug.
    """
    if unparsable_setting(error):
        return True
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    module = trace.tb_frame.f_globals.get("__name__") if trace is not None else None
    return isinstance(error, ValueError) and module == PARAMETER_MODULE
