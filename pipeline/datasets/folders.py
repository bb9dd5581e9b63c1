"""Which dataset a folder of videos is: the one whose YAML names the folder, or a new one with a name of its own."""

import re
import unicodedata
from pathlib import Path

from pipeline import config
from pipeline.datasets.annotations import DatasetConfig, load_dataset
from pipeline.datasets.new_dataset import NAME
from pipeline.errors import ConfigError
from pipeline.remote.objects import is_remote
from pipeline.remote_files.lists import is_list
from pipeline.remote_files.patterns import fixed, is_pattern, is_wild

NAMELESS = "videos"
"""Name of a folder whose name has no letter and no digit that a dataset's name may have, e.g. one in Japanese."""
LONGEST_NAME = 60


def dataset_of(videos: str | Path, datasets: Path, project: Path, name: str = "") -> str | None:
    """The dataset whose YAML in the folder `datasets` names these videos; None where there is none yet.

    `videos` is a folder, an address or, as text, the path of a list.

    Datasets with annotations of their own and demos are left out: what they hold is not the user's to extend. Of
    several, the one that bears the folder's name counts, or else the first one. With `name`, only the dataset of that
    name counts; ConfigError where it is one of another folder. Relative paths in YAMLs are relative to `project`.
    """
    if name:
        taken = name in config.names(datasets)
        if taken and not _is_of(load_dataset(name, datasets), videos, project):
            raise ConfigError(f"--name {name}: {datasets / name}.yaml is there, of other videos; choose another --name")
        return name if taken else None
    own = [one for one in config.names(datasets) if _is_of(_settings(one, datasets), videos, project)]
    return min(own, key=lambda one: one != plain_name(videos), default=None)


def free_name(videos: str | Path, datasets: Path) -> str:
    """A name for a new dataset: that of the folder, with a number behind it where it is taken already."""
    taken = {name.lower() for name in config.names(datasets)}  # names of files, which some systems hold for equal
    name, number = plain_name(videos), 1
    while (found := name if number == 1 else f"{name}_{number}").lower() in taken:
        number += 1
    return found


def plain_name(videos: str | Path) -> str:
    """The folder's own name, of the characters that the name of a dataset may have: ASCII letters, digits, _ and -.

    Of an address or a list it is the last part, without the suffix of a list; of a pattern the folder before its *.
    """
    own = Path(videos).resolve().name
    if isinstance(videos, str):
        parts = videos.partition("://")[2].partition("?")[0].rstrip("/") if is_remote(videos) else videos
        if is_wild(parts):
            parts = fixed(parts if is_remote(videos) else str(Path(parts).absolute())).rstrip("/")
        own = Path(parts).stem if is_list(videos) or is_pattern(parts) else Path(parts).name
    letters = unicodedata.normalize("NFKD", own).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9-]+", "_", letters).strip("_-")[:LONGEST_NAME].rstrip("_-")
    return name if NAME.fullmatch(name) else NAMELESS


def _settings(name: str, datasets: Path) -> DatasetConfig | None:
    """The settings of a dataset; None where its YAML is not valid, which is told where somebody asks for it by name."""
    try:
        return load_dataset(name, datasets)
    except ConfigError:
        return None


def _is_of(settings: DatasetConfig | None, videos: str | Path, project: Path) -> bool:
    """Whether a dataset is one of the user's own, of the videos in this folder."""
    if settings is None or settings.annotations or settings.demo:
        return False
    if is_remote(str(videos)) or is_remote(settings.videos):
        return settings.videos.rstrip("/") == str(videos).rstrip("/")
    if is_pattern(str(videos)):  # which no file is called
        return (project / settings.videos).absolute() == (project / videos).absolute()
    try:
        return (project / settings.videos).samefile(videos)
    except OSError:  # one of the two is not there
        return False
