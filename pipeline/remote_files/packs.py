"""What is in tars and tables of videos: each is looked through once, and again when it has changed.

    packs/<32 hex>.json     of a version of a tar or table: its members, and what of it could not be taken

No bytes of videos are read for it. What cannot be looked through is a member without a suffix that says why, so that it
is a failed row; the members before it stand.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import ArchiveError, OutageError, RemoteError
from pipeline.file_kinds import irregular
from pipeline.packed import tables, tars
from pipeline.remote.objects import is_remote
from pipeline.remote_files.addresses import shown
from pipeline.remote_files.facts import Facts, Inside
from pipeline.remote_files.home import Home, write_privately
from pipeline.remote_files.lists import Line, is_foreign, line_of
from pipeline.remote_files.opened import opened_pack
from pipeline.remote_files.patterns import COMPRESSED, NO_COMPRESSED, PACKS

FOLDER = "packs"
VERSION = 2
THREADS = 8
"""Tars that are looked through side by side."""
MOST_FOLDERS = 32
"""In which a member lies; each is made here, and a hostile tar has a hundred thousand of them."""
MOST_NOTES = 20
"""Of one tar or table; a hostile one has a million."""
ALL, REST = "all of it", "the rest"
"""What stands for a tar that cannot be looked through, or for what of it cannot."""

SUFFIXES = (
    ".mp4",
    ".m4v",
    ".mkv",
    ".webm",
    ".avi",
    ".mov",
    ".mpg",
    ".mpeg",
    ".ts",
    ".m2ts",
    ".flv",
    ".wmv",
    ".ogv",
    ".3gp",
    ".gif",
)
"""Of videos in tables; a name with another one gets .mp4 behind it."""

_SUFFIX = re.compile(r"\.([A-Za-z][A-Za-z0-9_-]{0,9}|3g2|3gpp?|26[45])$")

Files = Iterable[tuple[str, Facts]]
Ask = Callable[[Iterator[Line]], Files]


@dataclass
class Pack:
    """What is in a tar or table."""

    members: list[tuple[str, int, Inside]] = field(default_factory=list)
    """(name, size, place); a size of -1: not known before it is read."""
    addresses: list[str] = field(default_factory=list)
    """Videos elsewhere, of a table of paths or addresses: the members are the texts about them, as many or none."""
    notes: list[str] = field(default_factory=list)
    problem: str = ""
    """Why it could not be looked through to its end."""

    def note(self, text: str) -> None:
        """Notes what is left out, of many the first ones."""
        if len(self.notes) < MOST_NOTES:
            self.notes.append(text)
        elif len(self.notes) == MOST_NOTES:
            self.notes.append("and more like these")


def is_stand_in(name: str) -> bool:
    """Whether a file of this name may stand for a tar or table, or its rest, that cannot be looked through."""
    return name.rpartition("/")[2] in {ALL, REST}


def expanded(files: Files, home: Home, ask: Ask, notes: list[str]) -> Iterator[tuple[str, Facts]]:
    """The files, and in place of each tar and table what is in it; `ask` returns the facts of what a table names.

    What could not be taken is appended to `notes`. OutageError where a server stops to answer.
    """
    rest, used = iter(files), set()
    with ThreadPoolExecutor(THREADS) as pool:
        while some := list(islice(rest, THREADS)):
            for name, facts, pack in pool.map(lambda one: _looked_into(home, *one), some):
                if pack is None:
                    yield name, facts
                    continue
                used.add(_path(home, facts).name)
                notes += [f"{shown(facts.address)}: {note}" for note in pack.notes]
                yield from _named(name, facts, pack, ask)
    _forget(home, used)


def _looked_into(home: Home, name: str, facts: Facts) -> tuple[str, Facts, Pack | None]:
    """Name without suffix, facts and content of a tar or table; of any other file its name, facts and None."""
    kind = next((suffix for suffix in PACKS if name.lower().endswith(suffix)), "")
    if not kind:
        if name.lower().endswith(COMPRESSED):
            return name, facts, Pack(problem=f"{shown(facts.address)}: {NO_COMPRESSED}")
        return name, facts, None
    facts, name = _here(facts) if facts.is_local else facts, name[: -len(kind)]
    if facts.problem:
        return name, facts, Pack(problem=facts.problem)
    path = _path(home, facts)
    kept = _kept(path)
    if kept is None:
        kept = _look(home, facts, kind)
        if not (kept.problem and is_remote(facts.address)):  # it may have been the line; the next run asks again
            path.parent.mkdir(exist_ok=True)
            write_privately(path, _json(kept))
    return name, facts, kept


def _here(facts: Facts) -> Facts:
    """The facts of a tar or table that lies here, as those of one elsewhere."""
    path = Path(facts.address)
    try:
        stat = path.stat()
    except OSError as error:
        return Facts(facts.address).broken(f"{path}: cannot be read: {error.strerror}")
    if why := irregular(path):
        return Facts(facts.address).broken(f"{path}: {why}")
    return Facts(facts.address, stat.st_size, modified=str(stat.st_mtime_ns))


def _look(home: Home, facts: Facts, kind: str) -> Pack:
    pack, where = Pack(), shown(facts.address)
    try:
        with opened_pack(home, facts, Path(f"pack{kind}")) as file:
            (_look_into_tar if kind == ".tar" else _look_into_table)(file, facts, pack)
    except OutageError:
        raise
    except ArchiveError as error:
        pack.problem = f"{where}: {error}"
    except OSError as error:
        pack.problem = str(error) if isinstance(error, RemoteError) else f"{where}: cannot be read: {error.strerror}"
    return pack


def _look_into_tar(file: BinaryIO, facts: Facts, pack: Pack) -> None:
    size, seen = file.seek(0, 2), set()
    for one in tars.members(file, size):
        if one.refused:
            pack.note(f"{one.name[:80]!a} is {one.refused}; left out")
        elif one.name.count("/") > MOST_FOLDERS:
            pack.note(f"{one.name[:80]!a} lies in more than {MOST_FOLDERS} folders; left out")
        elif one.name in seen:
            pack.note(f"{one.name[:80]!a} is there twice; the first one is taken")
        else:
            seen.add(one.name)
            pack.members.append((one.name, one.size, Inside(one.start, facts.size, of_sha256=facts.sha256)))


def _look_into_table(file: BinaryIO, facts: Facts, pack: Pack) -> None:
    table, seen, number = tables.look(file), set[str](), 0
    is_of_captions = table.has_texts and not table.column
    lost = "; for all its captions, name the table as captions, too" if is_of_captions else ""
    if table.unread:
        of = ", ".join(map(repr, table.unread))
        pack.note(f"{of}: read only where the table is named as captions, too")
    for row in tables.rows(file, table):
        name = row.name.rpartition("/")[2] if table.column else row.name
        name = name or f"{number:08d}"
        number += 1
        if table.column and not name.lower().endswith(SUFFIXES):
            name += ".mp4"  # the table says that it is a video; which kind, its first bytes tell
        if not table.column and is_foreign(name):
            pack.note(f"row {number}: {name[:80]!a} is no kind of address that is read; left out")
            continue
        text = _text_of(name) if table.has_texts else name
        if name in seen or text in seen:
            like = "is there twice" if name in seen else "is called like another one, but for the suffix"
            pack.note(f"row {number}: {name[:80]!a} {like}; the first one is taken{lost}")
            continue
        seen |= {name, text}
        if table.column:
            pack.members.append((name, -1, Inside(row.row, facts.size, row.group, table.column, facts.sha256)))
        else:
            pack.addresses.append(name)
        if table.has_texts:
            pack.members.append((text, -1, Inside(row.row, facts.size, row.group, "", facts.sha256)))


def _named(name: str, facts: Facts, pack: Pack, ask: Ask) -> Iterator[tuple[str, Facts]]:
    """The members as files of the dataset; `name` is that of the tar or table."""
    if pack.addresses:
        lines = [line_of(address, "", facts.address) for address in pack.addresses]
        yield from ask(iter(lines))
        names = [_text_of(line.video_id) for line in lines]
    else:
        names = [f"{name}/{member}" for member, _, _ in pack.members]
    for member, (_, size, place) in zip(names, pack.members, strict=False):
        yield member, Facts(facts.address, size, facts.etag, facts.modified, inside=place)
    if pack.problem:
        missing = REST if pack.members else ALL
        yield f"{name}/{missing}", Facts(facts.address).broken(pack.problem)


def _text_of(name: str) -> str:
    """The name of the text about a video, as captions beside videos are called."""
    return f"{_SUFFIX.sub('', name)}.json"


def _path(home: Home, facts: Facts) -> Path:
    key = hashlib.sha256(f"{VERSION} {facts.entry} {facts.size}".encode()).hexdigest()[:32]
    return home.folder / FOLDER / f"{key}.json"


def _json(pack: Pack) -> bytes:
    members = [(name, size, *astuple(place)) for name, size, place in pack.members]
    return json.dumps([members, pack.addresses, pack.notes, pack.problem]).encode()


def _kept(path: Path) -> Pack | None:
    """What was found the last time; None where there is nothing of this version, or it is damaged."""
    try:
        members, addresses, notes, problem = json.loads(path.read_bytes())
        return Pack([(name, size, Inside(*place)) for name, size, *place in members], addresses, notes, problem)
    except (OSError, ValueError, TypeError):
        return None


def _forget(home: Home, used: set[str]) -> None:
    """Deletes what was found in versions that are no more."""
    folder = home.folder / FOLDER
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name not in used:
            path.unlink(missing_ok=True)
