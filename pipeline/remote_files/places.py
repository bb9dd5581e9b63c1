"""Where the videos and captions lie that a YAML names: here, or in the tree that stands for those elsewhere."""

import hashlib
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.errors import ConfigError
from pipeline.remote.mirror import name_of as name_of_address
from pipeline.remote.objects import is_remote
from pipeline.remote_files.addresses import is_web, name_of, shown
from pipeline.remote_files.home import TREE, Home, Reading, home_of, make
from pipeline.remote_files.lists import is_list
from pipeline.remote_files.patterns import is_pattern

_HERE = Path()


def is_elsewhere(videos: str, project: Path = _HERE) -> bool:
    """Whether videos or captions are named by an address, or videos by a list, a pattern, a tar or a table."""
    path = project / Path(videos).expanduser()
    return is_remote(videos) or (is_list(videos) and path.is_file()) or (is_pattern(videos) and not path.is_dir())


def folder_of(videos: str, data: Path, reading: Reading | None = None, project: Path = _HERE) -> Path:
    """The folder of a dataset's videos; for those elsewhere the tree in the folder `data` that stands for them.

    Nothing is asked for yet. `reading` says from now on how remote files are read; None: as before. Paths are relative
    to `project`. ConfigError for an address that is none, or holds a password.
    """
    if is_elsewhere(videos, project):
        return _home(videos, data, reading, project).tree
    return project / videos


def file_of(name: str, data: Path, reading: Reading | None = None) -> Path:
    """The path of a captions file; for one elsewhere that of the empty file that stands for it."""
    return _home(name, data, reading, is_file=True).tree / name_of(name) if is_remote(name) else Path(name)


def _home(source: str, data: Path, reading: Reading | None, project: Path = _HERE, is_file: bool = False) -> Home:
    if is_web(source):
        parts = urlsplit(source)
        if "@" in parts.netloc or not parts.hostname:
            raise ConfigError(f"{shown(source)}: holds a password, or no host; ~/.netrc is the place for passwords")
    name = hashlib.sha256(source.encode()).hexdigest()[:8] if is_web(source) or not is_remote(source) else ""
    own = "-file" if is_file and is_pattern(source) else ""  # a table of videos may be that of their captions too
    folder = data / "cache" / "videos" / f"{name or name_of_address(source)}{own}"
    known = home_of(folder / TREE)
    # By an absolute path the list is found from any folder; its name in the YAML decides where its home is.
    place = source if is_remote(source) else str((project / Path(source).expanduser()).absolute())
    return make(folder, place, reading or (known[0].reading if known else Reading()), is_file)
