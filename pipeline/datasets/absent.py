"""Says why a video that captions name has no file: what is there in its place, or which of several it may be."""

import unicodedata
from pathlib import Path, PurePosixPath

from pipeline.datasets.matching import may_be_any_of
from pipeline.datasets.names import Names, normal_form
from pipeline.datasets.video import MISSING
from pipeline.file_kinds import irregular


def why_missing(root: Path, name: str, names: Names) -> str:
    """Why no video below `root` is what captions call `name`; `video.MISSING` where nothing of that name is there.

    `names` finds the videos that there are.
    """
    found = names.find(name)
    if len(found) > 1:
        return may_be_any_of(found)
    normal = normal_form(name)
    spellings = dict.fromkeys([name, normal, unicodedata.normalize("NFD", normal)])
    try:
        return next(filter(None, (_what_is_at(root, spelling) for spelling in spellings)), MISSING)
    except OSError:  # a name that no file can have, e.g. one that is too long
        return MISSING


def _what_is_at(root: Path, name: str) -> str:
    """What lies at the path, or at a part of it that should be a folder; empty where nothing does."""
    place = PurePosixPath(name)
    if not place.parts or place.is_absolute() or ".." in place.parts or "\0" in name:
        return ""
    for above in reversed(place.parents[:-1]):
        why = irregular(root / above)
        if why and not (root / above).is_dir():
            return f"{above}: {why}"
        if (root / above).is_file():
            return f"{above}: a file, not a folder"
    if why := irregular(root / place):
        return why
    return "a hidden file, which is left out; rename it" if (root / place).is_file() else ""
