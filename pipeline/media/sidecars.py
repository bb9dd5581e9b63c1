"""Finds the subtitle files beside a video; apart from subtitles.py so that file scans need no media library."""

import functools
import os
import time
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipeline.file_kinds import irregular
from pipeline.remote_files.files import problem_of
from pipeline.texts.languages import Kind, kind_of

SIDECARS = (".srt", ".vtt", ".ass", ".ssa")
"""Suffixes of subtitle files, in any case; of two that are alike else, the first suffix is read."""

_ENDS = frozenset(SIDECARS)

_OTHERS = """
txt json xml nfo md csv tsv html description info jpg jpeg png webp gif bmp idx sub sup lrc sbv ttml dfxp smi part
mp3 m4a aac ac3 flac ogg opus wav
"""
_NO_VIDEO = frozenset(_OTHERS.split()) | {suffix[1:] for suffix in SIDECARS}
"""Suffixes of subtitles and of other files that lie beside videos, e.g. clip.en.json. Any other file with the stem of a
subtitle file is its video, e.g. clip.en.mp4 for clip.en.srt."""

_PLAIN = Kind()

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
    return [sidecar for sidecar in _named(path) if sidecar.path.is_file() and not problem_of(sidecar.path)]


def of_names(path: Path, names: Iterable[str]) -> list[Sidecar]:
    """The subtitle files of these names beside the video `path`; those whose names are not understood are left out."""
    stem, suffix = _split(path.name)
    stem = _normal(stem)
    kinds = ((name, _kind(stem, suffix, _split(_normal(name))[0])) for name in names)
    return [Sidecar(path.with_name(name), tail_of(path.name, name), kind) for name, kind in kinds if kind]


def tail_of(video: str, name: str) -> str:
    """What the name of a subtitle file has after the stem of its video, in lower case, e.g. ".en.srt"."""
    return _normal(name)[len(_normal(_split(video)[0])) :].lower()


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
        if why := irregular(sidecar.path) or problem_of(sidecar.path):
            return f"{sidecar.path.name}: {why}; left out"
    unknown = [name for name, kind in _beside(path) if kind is None]
    return f"{unknown[0]}: left out, since its name says no known language" if unknown else ""


class Listing:
    """Finds the subtitle files of each video of a folder by their names alone."""

    def __init__(self, subtitles: Iterable[str]) -> None:
        """`subtitles`: names of the subtitle files in the folder; those of all other files go to `note_owner`."""
        self._by_stem: dict[str, list[tuple[str, str]]] = {}
        self._owned: dict[str, bool] = {}
        for normal, name in sorted((_normal(name), name) for name in subtitles):
            own = stem = _split(normal)[0]
            while stem:
                self._by_stem.setdefault(stem, []).append((own, name))
                stem = stem.rpartition(".")[0]
            if "." in own:
                self._owned[own] = False

    @property
    def is_in_doubt(self) -> bool:
        """Whether the names of other files decide of which video a subtitle file is."""
        return bool(self._owned)

    def note_owner(self, name: str) -> None:
        """Notes the subtitle files that are a file's own, if it is a video: clip.en.srt is of clip.en.mp4, where there
        is one, and else of clip.mp4.
        """
        stem, suffix = _split(_normal(name))
        if stem in self._owned and suffix.lower()[1:] not in _NO_VIDEO:
            self._owned[stem] = True

    def subtitled(self, videos: Iterable[str]) -> list[tuple[int, str]]:
        """(place, name) of those videos beside which there is something in `beside`."""
        by_stem = self._by_stem
        return [(place, name) for place, name in enumerate(videos) if _stem(name) in by_stem]

    def beside(self, video: str) -> list[tuple[str, Kind | None]]:
        """Names that begin as subtitles of the video `video` do, sorted, and what they say; None: not understood."""
        stem, suffix = _split(video)
        stem = _normal(stem)
        found = self._by_stem.get(stem, ())
        return [(name, _kind(stem, suffix, own)) for own, name in found if own == stem or not self._owned[own]]


def is_subtitle(name: str) -> bool:
    """Whether a file's name ends like that of a subtitle file, in any case."""
    return name[-4:].lower() in _ENDS and len(name) > 4


def _kind(stem: str, suffix: str, own: str) -> Kind | None:
    """What the name of a subtitle file says whose stem is `own`, beside a video with this stem and suffix."""
    if own == stem:
        return _PLAIN
    parts = own[len(stem) + 1 :].split(".")
    is_full_name = parts[0].lower() == suffix[1:].lower()  # clip.mp4.srt for clip.mp4
    return kind_of(parts[1:] if is_full_name else parts)


def _split(name: str) -> tuple[str, str]:
    """The stem and the suffix with its dot, as pathlib has them, which takes five times as long."""
    stem, dot, suffix = name.rpartition(".")
    return (stem, dot + suffix) if stem and suffix else (name, "")


def _stem(name: str) -> str:
    """The same stem as it is compared; in one step, for the names of all files."""
    stem, _, suffix = name.rpartition(".")
    stem = stem if stem and suffix else name
    return stem if stem.isascii() else _normal(stem)


def _named(path: Path) -> list[Sidecar]:
    return of_names(path, [name for name, _ in _beside(path)])


def _beside(path: Path) -> list[tuple[str, Kind | None]]:
    return _listing(path.parent).beside(path.name)


def _normal(name: str) -> str:
    """macOS writes é as two letters into names; a copy of one of two files may not."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def _listing(folder: Path) -> Listing:
    """Of a folder, which is listed once for all its videos."""
    try:
        changed_ns = folder.stat().st_mtime_ns
        if time.time_ns() - changed_ns > _FRESH_NS:
            return _cached_listing(folder, changed_ns)
        return _read_listing(folder)
    except OSError:
        return Listing(())  # the video itself cannot be opened then, and that is told


@functools.lru_cache(maxsize=64)
def _cached_listing(folder: Path, changed_ns: int) -> Listing:
    return _read_listing(folder)


def _read_listing(folder: Path) -> Listing:
    names = os.listdir(folder)  # noqa: PTH208 - ten times as fast
    listing = Listing(filter(is_subtitle, names))
    for name in names:
        listing.note_owner(name)
    return listing
