"""Where an export of one file is written to: a path, or first a file here and then an object in object storage."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.remote.objects import Objects, is_remote
from pipeline.remote_files.addresses import shown, unsafe
from pipeline.stores import atomic
from pipeline.stores.places import WRITABLE


def check(to: str, is_file: bool) -> None:
    """ConfigError where nothing can be written to the address `to`, told before anything is computed; a path is fine.

    `is_file`: whether the export is one file.
    """
    if not is_remote(to):
        return
    if not to.startswith(WRITABLE):
        raise ConfigError(f"--to {to}: exports go to a path, or to an address that begins with {', '.join(WRITABLE)}")
    if not is_file:
        raise ConfigError(f"--to {to}: only jsonl and parquet of one expert, which are a file, go to an address")
    Objects(to)  # says what is wrong with it
    scheme, _, named = to.partition("://")  # as it is written: urlsplit drops the ends of lines
    bucket, _, key = named.partition("/")
    if why := unsafe(key):
        told = f"{why}; " if key else ""
        raise ConfigError(
            f"--to {shown(to)}: {told}name the object to write, e.g. {scheme}://{bucket}/features.parquet"
        )


@contextmanager
def delivered(to: str, otherwise: Path) -> Iterator[Path]:
    """Context with the path to write a file to: `to`, or `otherwise` where that is empty.

    Where `to` is an address, the path is a temporary one near `otherwise`; at the end all files that lie beside it are
    objects beside `to`, and it is one, last: where it is refused, those beside it may be there already. RemoteError, of
    one line, where the server does not answer or refuses.
    """
    if not is_remote(to):
        yield Path(to) if to else otherwise
        return
    otherwise.parent.mkdir(parents=True, exist_ok=True)
    folder = atomic.temporary(otherwise)
    try:
        folder.mkdir()
        path = folder / _name(to)
        yield path
        objects = Objects(to.rpartition("/")[0])
        for written in sorted(folder.iterdir(), key=lambda one: (one == path, one.name)):
            objects.put(written.name, written)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _name(to: str) -> str:
    return to.rpartition("/")[2]
