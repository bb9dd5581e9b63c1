"""Names with wildcards or braces in them, here and elsewhere, and the files that they mean.

/data/*/clips/**/*.mp4        local files
s3://bucket/shards/*.tar      objects
https://host/shard-{000..010}.tar, or {a,b}: where nothing can be listed, all that are named
"""

import glob
import itertools
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.errors import AnnotationError
from pipeline.remote.objects import Objects, is_remote
from pipeline.remote_files import transfer
from pipeline.remote_files.addresses import is_web, shown
from pipeline.remote_files.facts import Facts
from pipeline.remote_files.lists import Line

PACKS = (".tar", ".parquet")
"""Suffixes of files in which videos lie."""
COMPRESSED = (".tar.gz", ".tgz", ".tar.zst", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
NO_COMPRESSED = (
    "compressed tars are not read, since no video in one can be found again without unpacking all before it; unpack it "
    "to a .tar"
)
MOST_NAMES = 100_000
"""That braces may stand for."""
BESIDE = (".srt", ".vtt", ".ass", ".ssa", ".txt", ".json")
"""Suffixes of files that belong to a video beside which they lie, and need no mention."""

_BRACES = re.compile(r"\{([^{}/]*(?:,|\.\.)[^{}/]*)\}")
_RANGE = re.compile(r"(\d{1,9})\.\.(\d{1,9})")


def is_pattern(videos: str) -> bool:
    """Whether a name has wildcards or braces, or is that of a tar or a table of videos: no folder and no list."""
    path = videos.partition("?")[0] if is_remote(videos) else videos
    wild = "*" in path or (not is_remote(videos) and "?" in path)
    return wild or bool(_BRACES.search(path)) or path.lower().endswith((*PACKS, *COMPRESSED))


def is_wild(name: str) -> bool:
    """Whether a name, without braces, may mean any number of files."""
    return "*" in name or (not is_remote(name) and "?" in name)


def is_of_objects(source: str) -> bool:
    """Whether a bucket must be listed to know what a pattern means."""
    return is_remote(source) and not is_web(source) and any(map(is_wild, spelled_out(source)))


def fixed(source: str) -> str:
    """The folder or address before the first wildcard, to its last slash: names of files are relative to it."""
    first = next((at for at, letter in enumerate(source) if letter in "*?[{"), len(source))
    return source[: source.rfind("/", 0, first) + 1]


def spelled_out(source: str) -> list[str]:
    """The name without braces, once for each way to fill them; AnnotationError for more than MOST_NAMES."""
    names = [source]
    while any(_BRACES.search(name) for name in names):
        filled = (_filled(name) for name in names)
        names = list(itertools.islice(itertools.chain.from_iterable(filled), MOST_NAMES + 1))
        if len(names) > MOST_NAMES:
            raise AnnotationError(f"{shown(source)}: the braces stand for more than {MOST_NAMES} names")
    return list(dict.fromkeys(names))


def lines(source: str) -> Iterator[Line]:
    """The files here that a local name means, and those elsewhere that are named one by one, sorted.

    AnnotationError where nothing is meant.
    """
    below = fixed(source)
    names = spelled_out(source)
    if (source.partition("?")[0] if is_remote(source) else source).lower().endswith(COMPRESSED):
        raise AnnotationError(f"{shown(source)}: {NO_COMPRESSED}")
    if is_web(source) and any(map(is_wild, names)):
        raise AnnotationError(
            f"{shown(source)}: nothing can be listed at a web address; write {{000..099}} in place of *"
        )
    if not is_remote(source):
        names = sorted({path for name in names for path in _local(name)})
        if not names or (not is_wild(source) and len(names) == 1 and not Path(names[0]).exists()):
            raise AnnotationError(f"{source}: no such file; see 'videos' in the YAML")
    for name in names:  # what is behind the ? of an address is no part of a name; files here may have one in theirs
        own = name.removeprefix(below)
        yield Line(own.partition("?")[0] if is_remote(source) else own, name, "")


def objects(source: str) -> Iterator[tuple[str, Facts]]:
    """(name, facts) of the objects that a name with wildcards means, and of the small files beside them, sorted."""
    below = fixed(source).rstrip("/")
    wanted = [_matcher(name.removeprefix(below + "/")) for name in spelled_out(source)]
    found = {one.key: one for one in Objects(below).found() if not one.key.endswith("/")}
    matched = {key for key in found if any(one.fullmatch(key) for one in wanted)}
    if not matched:
        raise AnnotationError(f"{source}: there is no such object; see 'videos' in the YAML")
    for key in sorted(matched | set(_beside(matched, found))):
        yield key, transfer.of_object(f"{below}/{key}", found[key])


def _local(name: str) -> Iterator[str]:
    """The local files that a name without braces means, and the small files beside them."""
    if not is_wild(name):
        yield name
        return
    matched = {path for path in glob.iglob(name, recursive=True) if Path(path).is_file()}  # noqa: PTH207 - any path
    yield from matched
    for folder in {os.path.split(path)[0] for path in matched}:
        yield from _beside(matched, (entry.path for entry in os.scandir(folder)))


def _beside(matched: set[str], there: Iterable[str]) -> Iterator[str]:
    """Those of the files that are there that belong to a matched one: its stem, a dot, and one of BESIDE at the end."""
    stems = {os.path.splitext(path)[0] for path in matched}  # noqa: PTH122 - a key of a bucket is no path
    for name in there:
        stem, suffix = os.path.splitext(name)  # noqa: PTH122
        if suffix.lower() in BESIDE and name not in matched:
            while stem and stem not in stems and "." in os.path.basename(stem):  # noqa: PTH119 - clip.en.srt
                stem = os.path.splitext(stem)[0]  # noqa: PTH122
            if stem in stems:
                yield name


def _filled(name: str) -> Iterator[str]:
    found = _BRACES.search(name)
    if not found:
        yield name
        return
    before, after = name[: found.start()], name[found.end() :]
    if numbers := _RANGE.fullmatch(found[1]):
        first, last = int(numbers[1]), int(numbers[2])
        step = 1 if last >= first else -1
        for number in range(first, last + step, step):
            yield f"{before}{number:0{len(numbers[1])}d}{after}"
    else:
        for one in found[1].split(","):
            yield f"{before}{one}{after}"


def _matcher(pattern: str) -> re.Pattern[str]:
    """Of keys of objects, as `glob` takes paths: * is within a name, **/ any folders; nothing hidden."""
    parts = re.split(r"(\*\*/|\*|\[!?[^\]/]+\])", pattern)
    regex = {"**/": "(?:[^/]+/)*", "*": "[^/]*"}
    return re.compile("".join(regex.get(part) or _literal(part) for part in parts), re.DOTALL)


def _literal(part: str) -> str:
    if part.startswith("[") and part.endswith("]") and len(part) > 2:
        inner = part[1:-1]
        negated = inner.startswith("!")
        return f"[{'^' if negated else ''}{re.escape(inner[negated:]).replace(chr(92) + '-', '-')}]"
    return re.escape(part)
