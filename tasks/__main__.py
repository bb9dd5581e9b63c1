"""`expert-retrieval EvaluateCE --dataset demo`, or `python -m tasks ...`: `luigi --module tasks ...` in fewer words.

Commands that are no tasks are here too: they need no project, and nothing of Luigi.
"""

import importlib
import sys
from collections.abc import Sequence

COMMANDS = {"completion": "tasks.console.completion", "init": "tasks.console.new_project"}
"""Command -> module with `main(arguments) -> exit status`."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command or task that was typed, and ends the process with its status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words and words[0] in COMMANDS:
        sys.exit(importlib.import_module(COMMANDS[words[0]]).main(words[1:]))
    from luigi.cmdline import luigi_run

    luigi_run(["--module", "tasks", *words])


if __name__ == "__main__":
    main()
