"""Names of videos: which suffixes there are, and which files a name in captions may mean."""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath
from urllib.parse import unquote

_SUFFIXES = (
    "3g2 3gp 3gpp amv asf av1 avc avi dav divx dv dvr-ms f4v flv gif h264 h265 hevc insv ivf lrv m1v m2t m2ts m2v m4v "
    "mjpeg mjpg mk3d mkv mov mp2v mp4 mp4v mpe mpeg mpg mpv mts mxf nut obu ogm ogv ogx qt rm rmvb swf tp trp ts vob "
    "webm wmv wtv y4m"
)
_NUMBER_SUFFIXES = {".264", ".265"}
VIDEO_SUFFIXES = frozenset(f".{suffix}" for suffix in _SUFFIXES.split()) | _NUMBER_SUFFIXES
"""Of files that are videos until their content tells otherwise."""

_SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9_-]{0,9}$")
"""What looks like the suffix of a kind of file: "12.30.45" and "clip.mp4?dl=1" have none."""


def has_video_suffix(name: str) -> bool:
    """Whether a file's name ends like that of a video, in any case."""
    return PurePosixPath(name.strip()).suffix.lower() in VIDEO_SUFFIXES


def has_no_suffix(name: str) -> bool:
    """Whether a file's name does not tell what kind of file it is."""
    return not _SUFFIX.search(name.strip())


def without_suffix(video_id: str) -> str:
    """The path without the suffix of a video; all of it where it has none."""
    return str(PurePosixPath(video_id).with_suffix("")) if has_video_suffix(video_id) else video_id


def plain_name(video_id: str) -> str:
    """The name by which captions and released features know a video: without folders and video suffixes."""
    name = PurePosixPath(video_id)
    # A number is no suffix here: the names of LSMDC's clips end with milliseconds, e.g. "...-00.41.40.264".
    while name.suffix.lower() in VIDEO_SUFFIXES - _NUMBER_SUFFIXES:
        name = name.with_suffix("")
    return name.name


def normal_form(name: str) -> str:
    """A name as it is compared: two names with the same form are the same file on some system that people use.

    Composed characters (NFC; macOS decomposes them), forward slashes, no "./", no blanks at the ends of a part, and
    the suffix in lower case. All else keeps its case: ids of YouTube differ in nothing else.
    """
    parts = [part.strip() for part in unicodedata.normalize("NFC", name).replace("\\", "/").split("/")]
    kept = [part for part in parts if part not in {"", "."}]
    if kept:
        kept[-1] = _SUFFIX.sub(lambda suffix: suffix[0].lower(), kept[-1])
    return "/".join(kept)


class Names:
    """Finds the videos that a name in captions may mean, among the ids of all."""

    def __init__(self, video_ids: Iterable[str]) -> None:
        ids = list(video_ids)
        self._exact = _index({video_id: video_id for video_id in ids})
        self._normal = _index({video_id: normal_form(video_id) for video_id in ids})

    def find(self, name: str) -> set[str]:
        """The ids of the videos that the name may mean: one, several, or none.

        A name may lack the suffix, or suffix and folders, of the file. As it is written it comes first, then its normal
        form, and only then what it means as part of a URL ("%20").
        """
        found = self._exact.get(name) or self._normal.get(normal_form(name))
        if not found and "%" in name:
            plain = unquote(name)
            found = self._exact.get(plain) or self._normal.get(normal_form(plain))
        return found or set()

    def twins(self, video_id: str) -> set[str]:
        """The ids of all videos whose names have the normal form of this one's, itself among them."""
        return self._normal.get(normal_form(video_id), set())


def _index(names: dict[str, str]) -> dict[str, set[str]]:
    """Name -> the ids of the videos that it may mean, by id -> name; a full name means that video only."""
    index: dict[str, set[str]] = {}
    full: dict[str, set[str]] = {}
    for video_id, name in names.items():
        full.setdefault(name, set()).add(video_id)
        for short in {without_suffix(name), plain_name(name), PurePosixPath(name).name}:
            index.setdefault(short, set()).add(video_id)
    return index | full
