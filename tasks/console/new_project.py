"""`expert-retrieval init FOLDER`: makes a project folder, and says what can be typed there."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline import project
from pipeline.errors import ConfigError
from tasks.console.terminal import console_errors, printable, say

MISTAKE = 2
"""Exit status for what was typed."""


def main(arguments: Sequence[str]) -> int:
    """Makes the folder that was typed a project; returns the exit status."""
    parser = argparse.ArgumentParser("expert-retrieval init", description="Makes a project folder.")
    parser.add_argument("folder", nargs="?", default=".", help="by default the current one")
    folder = Path(parser.parse_args(arguments).folder).expanduser()
    try:
        written = project.make(folder)
    except ConfigError as error:
        console_errors.print(f"ERROR: {error}", markup=False)
        return MISTAKE
    if not written:
        say(f"{printable(str(folder))} is a project already; nothing was written")
        return 0
    programs = Path(sys.executable).parent
    say(f"Made {printable(str(folder))}: its configs/ and extractors/ come before those of the program")
    if folder.resolve() != Path.cwd():
        say(f"Next: cd {printable(str(folder))}")
    say(f"Then: {programs / 'python'} -m search --videos DIR    to search a folder of videos")
    say("Or:   expert-retrieval NewDataset --name mine --videos DIR --captions FILE    to train on your captions")
    return 0
