"""Names of videos: which suffixes there are, and which files a name in captions may mean."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import unquote

from pipeline.remote.objects import is_remote
from pipeline.remote_files.addresses import name_of
from pipeline.remote_files.home import home_of
from pipeline.remote_files.lists import is_list
from pipeline.remote_files.patterns import fixed, is_pattern

_SUFFIXES = (
    "3g2 3gp 3gpp amv asf av1 avc avi dav divx dv dvr-ms f4v flv gif h264 h265 hevc insv ivf lrv m1v m2t m2ts m2v m4v "
    "mjpeg mjpg mk3d mkv mov mp2v mp4 mp4v mpe mpeg mpg mpv mts mxf nut obu ogm ogv ogx qt rm rmvb swf tp trp ts vob "
    "webm wmv wtv y4m"
)
_NUMBER_SUFFIXES = {".264", ".265"}
VIDEO_SUFFIXES = frozenset(f".{suffix}" for suffix in _SUFFIXES.split()) | _NUMBER_SUFFIXES
"""Of files that are videos until their content tells otherwise."""
_NAMED_SUFFIXES = VIDEO_SUFFIXES - _NUMBER_SUFFIXES
"""Those that no other name ends with: LSMDC's names of clips end with milliseconds, e.g. "...-00.41.40.264"."""

_SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9_-]{0,9}$")
"""What looks like the suffix of a kind of file: "12.30.45" and "clip.mp4?dl=1" have none."""

_WORD = re.compile(r"[A-Za-z0-9_-]+")

_BLANKS = " \t\r\n\u00a0\u200b\u200e\u200f\u202a\u202c\ufeff"
"""Blanks and marks without a width, which copying a name may add at its ends."""


def has_video_suffix(name: str) -> bool:
    """Whether a file's name ends like that of a video, in any case."""
    stem, _, suffix = name.strip().rpartition(".")
    return f".{suffix.lower()}" in VIDEO_SUFFIXES and bool(stem) and not stem.endswith("/")


def has_no_suffix(name: str) -> bool:
    """Whether a file's name does not tell what kind of file it is."""
    return not _SUFFIX.search(name.strip())


def ending_of(name: str) -> str:
    """The end of a file's name from its last dot on, where that alone tells what kind of file it is; else empty."""
    ending = name[name.rfind(".") :]
    return ending if _SUFFIX.fullmatch(ending) and not name[0].isspace() else ""


def suffix_or_stem(name: str) -> str:
    """How a file's name ends however it is written, in small letters: its suffix, or all of it; empty: no ASCII."""
    suffix = _SUFFIX.search(name.strip())
    return suffix[0].lower() if suffix else name.lower() if _WORD.fullmatch(name) else ""


def without_suffix(video_id: str) -> str:
    """The path without the suffix of a video; all of it where it has none."""
    return _cut(video_id, VIDEO_SUFFIXES)


def plain_name(video_id: str) -> str:
    """The name by which captions and released features know a video: without folders and video suffixes."""
    name = video_id.rpartition("/")[2]
    while (shorter := _cut(name, _NAMED_SUFFIXES)) != name:
        name = shorter
    return name


def _cut(name: str, suffixes: frozenset[str]) -> str:
    """The name without its suffix where that is one of `suffixes`; a file whose name begins with a dot has none."""
    stem, _, suffix = name.rpartition(".")  # for a hundred thousand names, pathlib takes ten times as long
    return stem if f".{suffix.rstrip().lower()}" in suffixes and stem and not stem.endswith("/") else name


def normal_form(name: str) -> str:
    """A name as it is compared: two names with the same form are the same file on some system that people use.

    Composed characters (NFC; macOS decomposes them), forward slashes, no "./", no blanks at the ends of a part, and
    the suffix in lower case. All else keeps its case: ids of YouTube differ in nothing else.
    """
    parts = [part.strip(_BLANKS) for part in unicodedata.normalize("NFC", name).replace("\\", "/").split("/")]
    kept = [part for part in parts if part not in {"", "."}]
    if kept:
        kept[-1] = _SUFFIX.sub(lambda suffix: suffix[0].lower(), kept[-1])
    return "/".join(kept)


class Names:
    """Finds the videos that a name in captions may mean, among the ids of all."""

    def __init__(self, video_ids: Iterable[str], root: Path | None = None) -> None:
        """`root`: their folder, with which a name in captions may begin; or with the address that it stands for."""
        ids = list(video_ids)
        source = _source(root) if root else ""
        self._has_addresses = is_list(source) or is_pattern(source)  # or is a table of them
        above = [str(root), str(root.resolve()), *([source] if is_remote(source) else [])] if root else []
        above += [fixed(source)] if is_pattern(source) else []
        self._roots = {normal_form(path) + "/" for path in above} - {"/"}
        has_tails = self._has_addresses  # of what lies in a tar, its name in the tar: the key that WebDataset knows
        self._exact = _index(((video_id, video_id) for video_id in ids), has_tails)
        pairs = ((video_id, normal_form(video_id)) for video_id in ids)
        is_normal = all(normal_form(video_id) == video_id for video_id in ids)  # most are: one index in place of two
        self._normal = self._exact if is_normal else _index(pairs, has_tails)

    def find(self, name: str) -> set[str]:
        """The ids of the videos that the name may mean: one, several, or none.

        A name may lack the suffix, or suffix and folders, of the file. As it is written it comes first, then its normal
        form, then what is behind the folder of all videos or their address, and only then what it means as part of a
        URL ("%20").
        """
        spellings = [name, *([unquote(name)] if "%" in name else [])]
        found = (self._exact.get(one) or self._normal.get(normal_form(one)) or self._below(one) for one in spellings)
        return set(next(filter(None, found), ()))

    def _below(self, name: str) -> Sequence[str]:
        """The videos that a path through the folder of all videos, or an address, may mean: "/home/me/videos/a.mp4"."""
        if self._has_addresses and is_remote(name) and (found := self._exact.get(name_of(name))):
            return found
        normal = normal_form(name)
        rests = [normal.removeprefix(root) for root in self._roots if normal.startswith(root)]
        return next(filter(None, map(self._normal.get, rests)), ())

    def twins(self, video_id: str) -> set[str]:
        """The ids of all videos whose names have the normal form of this one's, itself among them."""
        return set(self._normal.get(normal_form(video_id), ()))


def _source(root: Path) -> str:
    """The address or list that a folder stands for; empty for any other folder."""
    found = home_of(root)
    return found[0].source if found and not found[1] else ""


def _index(names: Iterable[tuple[str, str]], has_tails: bool = False) -> dict[str, Sequence[str]]:
    """Name -> the ids of the videos that it may mean, by (id, name); a full name means that video only.

    `has_tails`: it may also lack some of the folders, and not only all of them, where it means nothing else.
    """
    index: dict[str, Sequence[str]] = {}
    full: dict[str, Sequence[str]] = {}
    below: dict[str, Sequence[str]] = {}
    for video_id, name in names:
        alone = (video_id,)  # one for all its names: a set each would take ten times as much of the memory
        _add(full, name, alone)
        for short in {without_suffix(name), plain_name(name), name.rpartition("/")[2]}:
            _add(index, short, alone)
        parts = name.split("/") if has_tails else []
        tails = ["/".join(parts[at:]) for at in range(1, len(parts) - 1)]
        for tail in {*tails, *map(without_suffix, tails)}:
            _add(below, tail, alone)
    index.update(full)
    for tail, ids in below.items():
        index.setdefault(tail, ids)
    return index


def _add(index: dict[str, Sequence[str]], name: str, alone: tuple[str]) -> None:
    others = index.setdefault(name, alone)
    if isinstance(others, list):
        others += alone
    elif others is not alone:
        index[name] = [*others, *alone]
