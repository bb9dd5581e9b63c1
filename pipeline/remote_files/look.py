"""Looks at what lies elsewhere: lists it, and makes the tree of empty files that stands for it."""

import hashlib
import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.errors import AnnotationError, OutageError, RemoteError
from pipeline.remote.objects import Objects, is_remote
from pipeline.remote_files import listing, packs, patterns, transfer
from pipeline.remote_files.addresses import is_hidden, is_web, name_of, shown, unsafe
from pipeline.remote_files.facts import Facts
from pipeline.remote_files.file_cache import locked
from pipeline.remote_files.home import LISTING, LOOKED, Home, home_of, write_privately
from pipeline.remote_files.lists import MOST_BYTES, Line, is_list, is_single, read_list

THREADS = 16
"""Files of a list that are asked for side by side."""

MOST_NOTES = 100
"""Of one place: a hostile tar has a hundred thousand names that are none, and each would be told by every report."""

Files = Iterator[tuple[str, Facts]]


def refresh(folder: Path, left_out: list[str]) -> None:
    """Lists the remote files again that the tree `folder` stands for; nothing where it is a folder of its own.

    What cannot be taken is appended to `left_out`, in words. What was listed `look_again_s` ago or later stands, unless
    the list has changed. RemoteError where nothing can be listed, AnnotationError for a list that is none.
    """
    found = home_of(folder)
    if found is None:
        return
    with locked(found[0].folder / "lock"):  # of two processes the second one finds what the first one has listed
        left_out += _refreshed(found[0])


def _refreshed(home: Home) -> list[str]:
    """Lists again where it is time to; returns what could not be taken."""
    state, looked = _state(home), _looked(home)
    # What lies here cannot change without a change of the state; of what lies elsewhere one has to ask.
    age_s = time.time() - looked["time_s"] if looked else 0.0
    if looked and looked["state"] == state and (looked.get("is_here") or 0 <= age_s <= home.reading.look_again_s):
        return [str(note) for note in looked["notes"]]
    notes: list[str] = []
    files = _fitting(_listed(home, notes), notes)
    if len(notes) > MOST_NOTES:
        notes = [*notes[:MOST_NOTES], f"and {len(notes) - MOST_NOTES} more like these"]
    problems = [one.problem for one in files.values()]
    if problems and all(problems) and patterns.is_pattern(home.source) and not home.is_file:
        raise AnnotationError(problems[0])  # of all tars, so that there is no video to be a row
    if home.reading.hash_bytes:
        files = {name: one if one.is_local else replace(one, is_hashed=True) for name, one in files.items()}
    (home.folder / LOOKED).unlink(missing_ok=True)  # a kill from here on leaves a tree that is looked at again
    listing.write(home.folder, files.items())
    _grow(home.tree, files)
    is_here = not (is_list(home.source) or any(is_remote(one.address) for one in files.values()))
    looked = {"state": state, "time_s": time.time(), "notes": notes, "is_here": is_here and bool(files)}
    write_privately(home.folder / LOOKED, json.dumps(looked).encode())
    return notes


def name_of_source(folder: Path) -> str:
    """The address or list that a tree stands for, as people may see it; any other folder's own path."""
    found = home_of(folder)
    if found is None:
        return str(folder)
    return shown(found[0].source) if is_remote(found[0].source) else found[0].source


def _state(home: Home) -> list[Any]:
    """What changes with a local list, or with what a local pattern means; and how the files are told apart."""
    return [home.reading.hash_bytes, *(_local_state(home) if not is_remote(home.source) else [])]


def _local_state(home: Home) -> list[Any]:
    if not is_list(home.source):
        stamps = [[line.address, *_stamp(Path(line.address))] for line in patterns.lines(home.source)]
        return [hashlib.sha256(json.dumps(stamps).encode()).hexdigest()]
    try:
        stat = Path(home.source).expanduser().stat()
    except OSError as error:
        raise AnnotationError(f"{home.source}: cannot be read: {error.strerror}; see 'videos' in the YAML") from None
    return [stat.st_size, stat.st_mtime_ns]


def _stamp(path: Path) -> list[int]:
    try:
        stat = path.stat()
    except OSError:
        return []
    return [stat.st_size, stat.st_mtime_ns]


def _looked(home: Home) -> dict[str, Any] | None:
    try:
        looked: dict[str, Any] = json.loads((home.folder / LOOKED).read_text(encoding="utf-8"))
        return looked if looked.keys() >= {"state", "time_s", "notes"} and (home.folder / LISTING).exists() else None
    except (OSError, ValueError, AttributeError):
        return None


def _listed(home: Home, left_out: list[str]) -> Files:
    """Names and facts of all that is there, with what lies in tars and tables that a list or a pattern names."""
    source = home.source
    if home.is_file:
        files = _of_lines(iter([Line(name_of(source), source, "")]))
    elif is_list(source):
        files = packs.expanded(_of_lines(read_list(_text(home), source, left_out)), home, _of_lines, left_out)
    elif patterns.is_pattern(source):
        found = patterns.objects(source) if patterns.is_of_objects(source) else _of_lines(patterns.lines(source))
        files = packs.expanded(found, home, _of_lines, left_out)
    elif is_single(source):
        files = _of_lines(iter([Line(name_of(source), source, "")]))
    elif is_web(source):
        raise AnnotationError(
            f"{shown(source)}: nothing can be listed at a web address; name a text file with one address a line"
        )
    else:
        files = _objects(source.rstrip("/"))
    return files


def _objects(address: str) -> Files:
    for found in Objects(address).found():
        if not found.key.endswith("/"):  # the mark of a folder
            yield found.key, transfer.of_object(f"{address}/{found.key}", found)


def _of_lines(lines: Iterator[Line]) -> Files:
    with ThreadPoolExecutor(THREADS) as pool:
        faults: list[RemoteError] = []
        num = 0
        while some := list(islice(lines, 64 * THREADS)):  # so that a hostile list does not fill the memory
            for line, facts in zip(some, pool.map(lambda line: _facts(line, faults), some), strict=True):
                num += 1
                yield line.video_id, facts
    if num and len(faults) == num:
        raise faults[0]  # nobody answers: no fault of the single files


def _facts(line: Line, faults: list[RemoteError]) -> Facts:
    """The facts of one file of a list; one that cannot be had has the reason as its problem."""
    if not is_remote(line.address):
        return Facts(line.address, is_local=True)
    try:
        return replace(transfer.look(line.address), sha256=line.sha256)
    except RemoteError as error:
        if isinstance(error, OutageError):
            faults.append(error)
        return Facts(line.address).broken(str(error))


def _text(home: Home) -> str:
    path = Path(home.source).expanduser()
    try:
        if is_remote(home.source):
            path = home.folder / "list"
            transfer.fetch(transfer.look(home.source), path, MOST_BYTES)
        return path.read_text(encoding="utf-8-sig")
    except RemoteError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise AnnotationError(f"{name_of_source(home.tree)}: cannot be read as text in UTF-8: {error}") from None


def _fitting(files: Files, left_out: list[str]) -> dict[str, Facts]:
    """The files whose names can be those of files here, and that are not hidden."""
    kept: dict[str, Facts] = {}
    for video_id, facts in files:
        if why := unsafe(video_id):
            left_out.append(f"{video_id[:80]!a}: no name for a file, since {why}; left out")
        elif video_id in kept and kept[video_id] != facts:
            left_out.append(f"{video_id}: is there twice, also in {shown(facts.address)}; the first one is taken")
        elif not is_hidden(video_id):
            kept[video_id] = facts
    folders = {str(parent) for video_id in kept for parent in PurePosixPath(video_id).parents}
    for video_id in folders & kept.keys():
        left_out.append(f"{video_id}: a file and a folder at once; the file is left out")
        del kept[video_id]
    return kept


def _grow(tree: Path, files: dict[str, Facts]) -> None:
    """Makes the empty files of the tree, and removes those that stand for nothing any more."""
    there = set()
    for folder, _, names in os.walk(tree, topdown=False):
        for name in names:
            path = Path(folder, name)
            video_id = path.relative_to(tree).as_posix()
            facts = files.get(video_id)
            if (
                facts is None
                or facts.is_local != path.is_symlink()
                or (facts.is_local and _leads(path) != facts.address)
            ):
                path.unlink()
            else:
                there.add(video_id)
        if Path(folder) != tree and not os.listdir(folder):  # noqa: PTH208 - ten times as fast
            Path(folder).rmdir()
    for video_id in files.keys() - there:
        path = tree / video_id
        path.parent.mkdir(parents=True, exist_ok=True)
        if files[video_id].is_local:
            path.symlink_to(files[video_id].address)
        else:
            path.touch()


def _leads(link: Path) -> str:
    return os.readlink(link)  # noqa: PTH115 - as it was written
