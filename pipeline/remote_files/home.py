"""The local folder that stands for videos elsewhere: a tree of empty files, each of which stands for a remote one.

    data/cache/videos/<8 hex>/remote.json       where the videos are, and how they are read
                              listing_3.sqlite  what was listed (`listing.py`)
                              looked.json       when, and what of it could not be taken
                              packs/            what is in each tar and table of videos (`packs.py`)
                              files/            the tree: the dataset's folder, for all who walk it
    data/cache/bytes/                           what was fetched, of all datasets (`file_cache.py`)

Whoever is given a path in the tree finds all of it from the path alone, in any process.
"""

import functools
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pipeline.errors import ConfigError, StoreError
from pipeline.remote_files.file_cache import FileCache

SETTINGS, LISTING, LOOKED, TREE = "remote.json", "listing_3.sqlite", "looked.json", "files"


@dataclass(frozen=True)
class Reading:
    """How remote videos are read; none of it changes a feature, though `hash_bytes` changes the keys of rows."""

    whole_mb: float = 64.0
    """Files up to this size are fetched whole, larger ones are read by ranges."""
    cache_gb: float = 20.0
    """What the fetched bytes may take on the disk."""
    look_again_s: float = 30.0
    """What was listed so recently is not listed again."""
    hash_bytes: bool = False
    """Whether remote videos are told apart by a hash of their bytes, as those here, which takes reading all of them."""

    def __post_init__(self) -> None:
        if self.whole_mb < 0 or self.cache_gb < 0.1 or self.look_again_s < 0:
            raise ConfigError("[Videos]: whole_mb and look_again_s must not be negative, cache_gb at least 0.1")


@dataclass(frozen=True)
class Home:
    """The local folder of the videos of one address, or of one list."""

    folder: Path
    """Absolute."""
    source: str
    """The address, or the path of the list."""
    reading: Reading = field(default_factory=Reading)
    is_file: bool = False
    """Whether the file at the address is meant, as of captions, and not what a list or a table at it names."""

    @property
    def tree(self) -> Path:
        """Folder of the empty files."""
        return self.folder / TREE

    @property
    def cache(self) -> FileCache:
        """The fetched bytes, which all homes share."""
        return self.cache_with("locks")

    def cache_with(self, locks: str) -> FileCache:
        """The same with another folder of locks."""
        return _cache(self.folder.parent.parent / "bytes", int(self.reading.cache_gb * 1e9), locks)


def make(folder: Path, source: str, reading: Reading, is_file: bool = False) -> Home:
    """The home in a folder, which is made where it is missing, and told how to read from now on."""
    home = Home(_absolute(folder), source, reading, is_file)
    settings = folder / SETTINGS
    home.tree.mkdir(parents=True, exist_ok=True)
    told = json.dumps({"source": source, "reading": asdict(reading), "is_file": is_file})
    if not settings.exists() or settings.read_text(encoding="utf-8") != told:
        write_privately(settings, told.encode())
        home_of_folder.cache_clear()
    return home


def home_of(path: Path) -> tuple[Home, str] | None:
    """The home in whose tree a path lies, and the id of the file there; None for any other path."""
    whole = os.path.abspath(path)  # noqa: PTH100 - without the disk; and in strings, as it is asked for each file
    folder, name = os.path.split(whole)
    if (found := home_of_folder(folder)) is not None:
        return found[0], found[1] + name
    return (found[0], "") if whole.endswith(TREE) and (found := home_of_folder(whole)) is not None else None


@functools.lru_cache(maxsize=65536)
def home_of_folder(folder: str) -> tuple[Home, str] | None:
    """The home whose tree an absolute folder is, or lies in; and the beginning of the ids of the files in it."""
    for tree in (Path(folder), *Path(folder).parents):
        if tree.name == TREE and (tree.parent / SETTINGS).is_file():
            below = Path(folder).relative_to(tree).as_posix()
            return _read(tree.parent), "" if below == "." else f"{below}/"
    return None


def write_privately(path: Path, content: bytes) -> None:
    """Writes a file by a rename, which only its owner can read: addresses may hold credentials."""
    temporary = path.with_name(f".tmp-{os.getpid()}-{path.name}")
    temporary.touch(0o600)
    temporary.write_bytes(content)
    os.replace(temporary, path)  # noqa: PTH105 - replaces on every system


def _read(folder: Path) -> Home:
    try:
        told = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        return Home(folder, str(told["source"]), Reading(**told["reading"]), told.get("is_file", False) is True)
    except (OSError, ValueError, KeyError, TypeError):
        raise StoreError(f"{folder / SETTINGS}: is damaged; delete the folder, which is made anew") from None


@functools.lru_cache(maxsize=8)
def _cache(folder: Path, most_bytes: int, locks: str) -> FileCache:
    return FileCache(folder, most_bytes, locks)


def _absolute(path: Path) -> Path:
    """Absolute without a look at links, and so without the disk."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - Path.resolve follows links
