"""Finds the subtitle files beside a video; apart from subtitles.py so that file scans need no media library."""

import functools
import time
import unicodedata
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path

from pipeline.file_kinds import irregular
from pipeline.texts.languages import Kind, kind_of

SIDECARS = (".srt", ".vtt", ".ass", ".ssa")
"""Suffixes of subtitle files, in any case; of two that are alike else, the first suffix is read."""

_OTHERS = """
txt json xml nfo md csv tsv html description info jpg jpeg png webp gif bmp idx sub sup lrc sbv ttml dfxp smi part
mp3 m4a aac ac3 flac ogg opus wav
"""
_NO_VIDEO = frozenset(_OTHERS.split())
"""Suffixes of other files that lie beside videos, e.g. clip.en.json. Any other file with the stem of a subtitle file is
its video, e.g. clip.en.mp4 for clip.en.srt."""

_FRESH_NS = 2_000_000_000
"""A folder that changed so recently can change again without another date."""


@dataclass(frozen=True)
class Sidecar:
    """A subtitle file beside a video."""

    path: Path
    tail: str
    """The name after the stem of the video, in lower case, e.g. ".en.srt"."""
    kind: Kind

    @property
    def suffix(self) -> str:
        """One of SIDECARS."""
        return "." + self.tail.rpartition(".")[2]


def sidecars(path: Path) -> list[Sidecar]:
    """The subtitle files of the video `path`, sorted by name; what is no regular file is left out.

    That is <stem>.srt, and with a language or what kind of subtitles they are: <stem>.en.srt, <stem>.pt-BR.forced.vtt.
    """
    return [sidecar for sidecar in _named(path) if sidecar.path.is_file()]


def ranked(found: list[Sidecar], language: str = "") -> list[Sidecar]:
    """The best first: in the `language`, without one in the name, in others by the alphabet; forced ones are last.

    No `language` is as English: queries and captions mostly are, and words in another language match none of them. A
    file without a language in its name is in that of the video, most likely.
    """
    wanted = language or "en"

    def rank(sidecar: Sidecar) -> tuple[object, ...]:
        kind = sidecar.kind
        return (*kind.rank(wanted), kind.language, kind.burden, SIDECARS.index(sidecar.suffix), sidecar.tail)

    return sorted(found, key=rank)


def unusable_sidecar(path: Path) -> str:
    """Why what lies in the place of the video's subtitle files cannot be read, with its name; else empty."""
    for sidecar in _named(path):
        if why := irregular(sidecar.path):
            return f"{sidecar.path.name}: {why}; left out"
    unknown = [name for name, kind in _beside(path) if kind is None]
    return f"{unknown[0]}: left out, since its name says no known language" if unknown else ""


def _named(path: Path) -> list[Sidecar]:
    length = len(_normal(path.stem))
    return [Sidecar(path.with_name(name), _normal(name)[length:].lower(), kind) for name, kind in _beside(path) if kind]


def _beside(path: Path) -> list[tuple[str, Kind | None]]:
    """Names that begin as subtitles of the video do, and what they say; None where that is not understood."""
    subtitles, owners = _listing(path.parent)
    prefix = _normal(path.stem) + "."
    found = []
    for normal, name in subtitles[bisect_left(subtitles, (prefix, "")) :]:
        if not normal.startswith(prefix):
            break
        stem = normal.rpartition(".")[0]
        if stem == prefix[:-1] or stem not in owners:
            parts = stem[len(prefix) :].split(".") if stem != prefix[:-1] else []
            is_full_name = parts and parts[0].lower() == path.suffix[1:].lower()  # clip.mp4.srt for clip.mp4
            found.append((name, kind_of(parts[1:] if is_full_name else parts)))
    return found


def _normal(name: str) -> str:
    """macOS writes é as two letters into names; a copy of one of two files may not."""
    return unicodedata.normalize("NFC", name)


_Listing = tuple[list[tuple[str, str]], frozenset[str]]
"""(normal form, name) of the subtitle files of a folder, sorted; and the stems of what may be videos."""


def _listing(folder: Path) -> _Listing:
    """Of a folder, which is listed once for all its videos."""
    try:
        changed_ns = folder.stat().st_mtime_ns
        if time.time_ns() - changed_ns > _FRESH_NS:
            return _cached_listing(folder, changed_ns)
        return _read_listing(folder)
    except OSError:
        return [], frozenset()  # the video itself cannot be opened then, and that is told


@functools.lru_cache(maxsize=64)
def _cached_listing(folder: Path, changed_ns: int) -> _Listing:
    return _read_listing(folder)


def _read_listing(folder: Path) -> _Listing:
    subtitles, owners = [], set()
    for entry in folder.iterdir():
        suffix = entry.suffix.lower()
        if suffix in SIDECARS:
            subtitles.append((_normal(entry.name), entry.name))
        elif suffix[1:] not in _NO_VIDEO:
            owners.add(_normal(entry.stem))
    return sorted(subtitles), frozenset(owners)
