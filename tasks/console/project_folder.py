"""Makes the project folder the current one, wherever in it, or outside of it, a command was typed."""

import configparser
import functools
import os
from pathlib import Path

import extractors
from pipeline import project
from pipeline.errors import ConfigError
from tasks import parameters
from tasks.console.luigi_internals import read_settings_of, set_defaults
from tasks.plan.settings import DEFAULTS, Paths


@functools.cache  # Luigi reads its command line twice, and from the project folder a relative path leads elsewhere
def enter(named: str = "", configs: str = "") -> None:
    """Goes into the project folder and reads its luigi.cfg; `named`, `configs`: typed as --project, --Paths-configs.

    Other paths that are typed stay relative to where they were typed. ConfigError where there is no project folder,
    unless [Paths] leads to configs.
    """
    here = Path.cwd()
    try:
        folder = project.find(named)
    except ConfigError:
        if not named and Path(configs or Paths().configs).is_dir():
            return
        raise
    extractors.add_own(folder)
    if folder.resolve() == here.resolve():
        return
    try:
        read_settings_of(folder, DEFAULTS)
    except (configparser.Error, UnicodeDecodeError) as error:
        set_defaults(DEFAULTS)  # what goes on all the same must not wait for luigi's daemon
        raise ConfigError(f"settings cannot be read: {' '.join(str(error).split())}") from None
    parameters.typed_in(here)
    os.chdir(folder)
