"""Prepares the process for a run: all that importing the package changes outside of it."""

import atexit
import gc

from pipeline.running.cpu import prepare_for_networks
from tasks.console.error_messages import install_one_line_errors
from tasks.console.exit_status import install_exit_status
from tasks.console.help import describe_tasks_in_help
from tasks.console.luigi_internals import keep_parsers, set_defaults
from tasks.console.run import install_log_and_output
from tasks.console.terminal import flush_output
from tasks.plan.settings import DEFAULTS


def prepare_process() -> None:
    """To be called once, when the package is imported.

    `luigi --module tasks` imports the package before it parses the command line, and offers no later hook.
    """
    # The environment variables of OpenMP and the settings of malloc only count before torch is imported and before any
    # thread starts.
    prepare_for_networks()
    # Outside of a project folder no luigi.cfg is there to say it, and luigi would wait for a daemon.
    set_defaults(DEFAULTS)
    # Luigi logs each exception with a traceback, and lets some of them end the process.
    install_one_line_errors()
    install_exit_status()
    install_log_and_output()
    # Luigi's help does not say what a task does.
    describe_tasks_in_help()
    # Luigi builds the same parsers again and again: a dozen for one command, of 5 ms each.
    keep_parsers()
    # Registered before what is to run at the end, so called after it.
    atexit.register(_leave_garbage)
    # The reader of a pipe may close it before the end, as `head` does; that is no error.
    atexit.register(flush_output)


def _leave_garbage() -> None:
    """At the end keeps Python from its last look for garbage in all that was imported: 0.06 CPU s, with torch 0.4.

    Not where a library is loaded that nanobind has bound: such a one complains in many lines of objects of its own that
    are left.
    """
    if not any(kind.__name__.startswith("nb_") for kind in type.__subclasses__(type)):
        gc.freeze()
