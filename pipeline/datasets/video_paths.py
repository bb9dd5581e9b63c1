"""Which of the files below a folder are videos: by suffix, by first bytes, or because captions name them."""

from collections.abc import Callable, Collection, Iterable
from operator import not_
from pathlib import Path

from pipeline.datasets.names import Names, ending_of, has_no_suffix, has_video_suffix, suffix_or_stem
from pipeline.datasets.walk import Folder, note_dead_link
from pipeline.errors import OutageError
from pipeline.media import signatures
from pipeline.remote_files.files import is_named

_MOST_ENDINGS = 50
"""With more, reading the names in the captions is as fast."""


def videos_among(
    listed: Iterable[Folder],
    root: Path,
    left_out: list[str],
    named: Callable[[], Collection[str]],
    may_hold: Callable[[Collection[str]], bool] = lambda _: True,
) -> list[Folder]:
    """The same folders with only those files that have a video's suffix, or none and a video's beginning, or are named.

    `named` returns the names in captions, and is called only where there are other files than videos, and `may_hold`
    says that the captions may hold one of some endings of names, in small letters. What is not followed is appended to
    `left_out`, in words.
    """
    judge = _Judge(root)
    parted = [judge.parted(folder) for folder in listed]
    videos, others = [folder for folder, _ in parted], [folder for _, folder in parted]
    is_asked = bool(judge.endings) and (not judge.known_endings or may_hold(judge.known_endings))
    chosen = _named(_names(others), _names(videos), root, named()) if is_asked else set()
    for folder, rest in zip(videos, others, strict=True) if chosen else ():
        folder.add(rest.only([rest.below + name in chosen for name in rest.names], lambda one: one.name in chosen))
    for found in sorted(found for folder in others for found in folder.others):
        if found.name not in chosen:
            note_dead_link(root / found.name, left_out)
    return videos


class _Judge:
    """Parts the videos from other files by their names, and where these do not tell, by their first bytes."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[str, bool] = {}
        """Ending of a name that tells what it is -> whether that is a video."""
        self.endings: set[str] = set()
        """How the names of all other files end; see `suffix_or_stem`."""

    @property
    def known_endings(self) -> set[str]:
        """ASCII endings, one of which a name in captions must have to mean one of the others; none: not to be told."""
        return self.endings if "" not in self.endings and len(self.endings) <= _MOST_ENDINGS else set()

    def parted(self, folder: Folder) -> tuple[Folder, Folder]:
        """The videos of a folder, and its other files; folders are left out."""
        known, flags = self._known, []
        for name in folder.names:
            flag = known.get(name[name.rfind(".") :])
            flags.append(self._is_video(folder.below, name) if flag is None or name[0].isspace() else flag)
        rest = [found for found in folder.others if not found.is_folder]
        of_rest = {found.name: self._is_video(folder.below, found.base, found.kind) for found in rest}
        return (
            folder.only(flags, lambda found: of_rest.get(found.name, False)),
            folder.only(list(map(not_, flags)), lambda found: not of_rest.get(found.name, True)),
        )

    def _is_video(self, below: str, name: str, kind: str = "") -> bool:
        is_video = has_video_suffix(name) or (
            has_no_suffix(name) and self._begins_like_one(self._root / below / name, kind)
        )
        if not is_video:
            self.endings.add(suffix_or_stem(name))
        if ending := ending_of(name):
            self._known[ending] = is_video
        return is_video

    def _begins_like_one(self, path: Path, kind: str) -> bool:
        if is_named(path):
            return True  # in a list: what is there in its place must be told
        try:
            return not kind and signatures.is_video(signatures.read_head(path))
        except OutageError:
            raise
        except OSError:
            return False


def _names(folders: list[Folder]) -> list[str]:
    """The ids of all files of these folders, sorted."""
    of_files = (folder.below + name for folder in folders for name in folder.names)
    return sorted([*of_files, *(found.name for folder in folders for found in folder.others)])


def _named(others: list[str], videos: list[str], root: Path, named: Collection[str]) -> set[str]:
    """Those of the other files that captions name, suffix and all, by a name that means none of the videos."""
    ends = set(map(_end, others))
    in_doubt = ends | {""}
    wanted = [name for name in named if "" in ends or "%" in name or _end(name) in in_doubt]
    if not wanted:
        return set()
    rest = Names(others, root)  # whose suffixes a name cannot lack: they are none of videos
    wanted = [name for name in wanted if rest.find(name)]
    found = Names(videos, root) if wanted else rest
    return {other for name in wanted if not found.find(name) for other in rest.find(name)}


def _end(name: str) -> str:
    """The last letters of a name, which two names of one file have in common however they are written.

    It tells a million names of videos from those of a few other files. Empty where the end may be written otherwise.
    """
    end = name.strip()[-3:].lower()
    return end if end.isascii() and end.replace(".", "").isalnum() else ""
