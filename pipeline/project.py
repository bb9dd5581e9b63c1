"""The project folder: the one that has configs/. Relative paths in YAMLs and in luigi.cfg are relative to it."""

import configparser
import os
from dataclasses import dataclass
from pathlib import Path

from pipeline import config
from pipeline.errors import ConfigError
from pipeline.remote.objects import is_remote
from pipeline.stores import places
from pipeline.weights.files import WeightOptions

CONFIGS, SETTINGS = "configs", "luigi.cfg"
VARIABLE = "EXPERT_RETRIEVAL_HOME"
"""Environment variable that names the project folder."""
KINDS = ("experts", "text", "datasets", "models")
"""Folders of configs."""
INHERITS_TEXT = """# While this file is here, configs that this folder lacks are those that came with the program.
# A file of the same name takes the place of a shipped one: configs/experts/rgb_lite.yaml, configs/search.yaml ...
"""
MORE_SETTINGS = "LUIGI_CONFIG_PATH"
"""Environment variable that names a file of settings, which come before those of luigi.cfg."""


@dataclass(frozen=True)
class Project:
    """A project folder, and what its luigi.cfg says of data, configs and weights."""

    folder: Path
    data: Path
    configs: Path
    weights: WeightOptions
    store: Path
    """Folder of all results, or the mirror of the object storage that they lie in."""

    def path(self, typed: str) -> Path:
        """The path that a YAML of the project means."""
        return self.folder / typed


def find(named: str = "", start: Path | None = None) -> Path:
    """The project folder: `named`, or else that of the environment, or else the nearest one upwards from `start`.

    `start` is by default the current folder. ConfigError where there is none.
    """
    chosen = named or os.environ.get(VARIABLE, "")
    if chosen:
        folder = Path(chosen).expanduser().absolute()
        if not is_project(folder):
            source = "--project" if named else VARIABLE
            raise ConfigError(f"{source} {chosen}: no project folder, since it has no folder {CONFIGS}/")
        return folder
    here = (start or Path.cwd()).absolute()
    for folder in (here, *here.parents):
        if is_project(folder):
            return folder
    raise ConfigError(
        f"no project folder: neither {here} nor a folder above it has {CONFIGS}/; go into your project, or name its "
        f"folder with --project or {VARIABLE}"
    )


def is_project(folder: Path) -> bool:
    """Whether a folder has configs/."""
    return (folder / CONFIGS).is_dir()


def load(
    named: str = "", data: Path | str | None = None, configs: Path | str | None = None, store: str | None = None
) -> Project:
    """The project that `find` finds; `data`, `configs` and `store`, relative to the current folder, replace its own.

    Where `configs` is given, no project folder is needed: the current one takes its place. ConfigError where there is
    none, and for settings that cannot be read.
    """
    try:
        folder = find(named)
    except ConfigError:
        if named or configs is None:
            raise
        folder = Path.cwd()
    settings = _settings(folder)
    data_folder = Path(data).absolute() if data else folder / settings.get("Paths", "data", fallback="data")
    config_folder = Path(configs).absolute() if configs else folder / settings.get("Paths", "configs", fallback=CONFIGS)
    address = settings.get("Paths", "store", fallback="") if store is None else store
    if address and not is_remote(address):
        address = str((folder if store is None else Path.cwd()) / address)
    weights = _weights(settings, folder, data_folder)
    return Project(folder, data_folder, config_folder, weights, places.store_folder(address, data_folder))


def make(folder: Path) -> list[Path]:
    """Makes a project folder of its own, which inherits the shipped configs; returns what was written.

    What is there already stays as it is, so that it may be called again. ConfigError where the folder cannot be
    written, and for the program's own repository, which is a project folder as it is.
    """
    wanted = {
        Path(CONFIGS, config.INHERITS): INHERITS_TEXT,
        **{Path(CONFIGS, kind, ".gitkeep"): "" for kind in KINDS},
        Path("extractors", ".gitkeep"): "",
        Path(SETTINGS): (config.SHIPPED.parent / SETTINGS).read_text(encoding="utf-8"),
        Path(".gitignore"): "/data/\n",
    }
    if is_project(folder) and not (folder / CONFIGS / config.INHERITS).is_file():
        raise ConfigError(f"{folder}: a project folder already, with configs of its own; nothing was written")
    written = []
    for name, text in wanted.items():
        path = folder / name
        if not path.exists():
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            except OSError as error:
                raise ConfigError(f"{path}: cannot be written: {error.strerror or error}") from None
            written.append(path)
    return written


def _settings(folder: Path) -> configparser.ConfigParser:
    """The settings as luigi reads them: luigi.cfg, then the file that the environment names."""
    settings = configparser.ConfigParser(interpolation=None)
    paths = [folder / SETTINGS, *(Path(path) for path in [os.environ.get(MORE_SETTINGS, "")] if path)]
    try:
        settings.read(paths, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError) as error:
        raise ConfigError(f"settings cannot be read: {' '.join(str(error).split())}") from None
    return settings


def _weights(settings: configparser.ConfigParser, folder: Path, data: Path) -> WeightOptions:
    cache, mirror = (settings.get("Weights", key, fallback="") for key in ("cache", "mirror"))
    try:
        offline, seeded = (settings.getboolean("Weights", key, fallback=False) for key in ("offline", "seeded"))
    except ValueError as error:
        raise ConfigError(f"[Weights] in {SETTINGS}: offline and seeded are true or false ({error})") from None
    return WeightOptions(folder / cache if cache else data / "weights", mirror, offline, seeded)
