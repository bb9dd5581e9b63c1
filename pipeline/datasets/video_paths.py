"""Which of the files below a folder are videos: by suffix, by first bytes, or because captions name them."""

from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from pipeline.datasets.names import Names, has_no_suffix, has_video_suffix, suffix_or_stem
from pipeline.datasets.walk import Found, note_dead_link
from pipeline.errors import OutageError
from pipeline.media import signatures
from pipeline.remote_files.files import is_named

_MOST_ENDINGS = 50
"""With more, reading the names in the captions is as fast."""


def videos_among(
    listed: Iterable[Found],
    root: Path,
    left_out: list[str],
    named: Callable[[], Collection[str]],
    may_hold: Callable[[Collection[str]], bool] = lambda _: True,
) -> list[Found]:
    """Those of the files below `root` with a video's suffix, with none and a video's beginning, or named in captions.

    `named` returns the names in captions, and is called only where there are other files than videos, and `may_hold`
    says that the captions may hold one of some endings of names, in small letters. What is not followed is appended to
    `left_out`, in words.
    """
    videos: list[Found] = []
    others: list[Found] = []
    for found in listed:
        if not found.is_folder:
            name = found.name.rpartition("/")[2]
            is_video = has_video_suffix(name) or (has_no_suffix(name) and _begins_like_a_video(root, found))
            (videos if is_video else others).append(found)
    others.sort()
    endings = _endings(others)
    is_asked = bool(others) and (not endings or may_hold(endings))
    chosen = _named(others, videos, root, named()) if is_asked else set()
    for found in others:
        if found.kind and found.name not in chosen:
            note_dead_link(root / found.name, left_out)
    return [*videos, *(found for found in others if found.name in chosen)]


def _begins_like_a_video(root: Path, found: Found) -> bool:
    if is_named(root / found.name):
        return True  # in a list: what is there in its place must be told
    try:
        return not found.kind and signatures.is_video(signatures.read_head(root / found.name))
    except OutageError:
        raise
    except OSError:
        return False


def _named(others: list[Found], videos: list[Found], root: Path, named: Collection[str]) -> set[str]:
    """Names of those of the other files that captions name, suffix and all, by a name that means none of the videos."""
    ends = {_end(found.name) for found in others}
    in_doubt = ends | {""}
    wanted = [name for name in named if "" in ends or "%" in name or _end(name) in in_doubt]
    if not wanted:
        return set()
    rest = Names([found.name for found in others], root)  # whose suffixes a name cannot lack: they are none of videos
    wanted = [name for name in wanted if rest.find(name)]
    found = Names([video.name for video in videos], root) if wanted else rest
    return {other for name in wanted if not found.find(name) for other in rest.find(name)}


def _endings(others: list[Found]) -> set[str]:
    """Endings in ASCII, one of which a name in captions must have to mean one of the files; none: it cannot be told."""
    found = {suffix_or_stem(other.name.rpartition("/")[2]) for other in others}
    return found if "" not in found and len(found) <= _MOST_ENDINGS else set()


def _end(name: str) -> str:
    """The last letters of a name, which two names of one file have in common however they are written.

    It tells a million names of videos from those of a few other files. Empty where the end may be written otherwise.
    """
    end = name.strip()[-3:].lower()
    return end if end.isascii() and end.replace(".", "").isalnum() else ""
