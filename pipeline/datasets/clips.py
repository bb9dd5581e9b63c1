"""Pieces of videos that captions name by their seconds: what they are called, and what tells them apart."""

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.errors import AnnotationError
from pipeline.remote_files.addresses import is_hidden, unsafe

COLUMNS = ("start_s", "end_s", "id")
"""Columns of a captions file that make a row one of a clip; `id` is read only where the other two are."""

LATEST_S = 1e7
"""No video is as long: 115 days."""

DIGITS = 6
"""Of a second; two times that differ by less are the same."""

_NUMBER = re.compile(r"[+-]?([0-9]{1,12}(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Clip:
    """A piece of a video."""

    video: str
    """What captions call the video; once its file is known, the path of that below the dataset's folder."""
    start_s: float
    end_s: float
    id: str = ""
    """Its own name, where the captions give it one."""

    @property
    def name(self) -> str:
        """What the clip is called: its id, or else the video and the span, e.g. `a.mp4#t=10,20.5` (Media Fragments)."""
        return self.id or f"{self.video}#t={_seconds(self.start_s)},{_seconds(self.end_s)}"

    @property
    def span_s(self) -> tuple[float, float]:
        """Start and end."""
        return self.start_s, self.end_s


class ClipNames:
    """The clips of a captions file, of each of which there may be several rows."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, float, float], str] = {}
        self._of_ids: dict[str, Clip] = {}

    def clip_of(self, row: Mapping[str, str], where: str) -> Clip | None:
        """The clip that a row is of, None where it is of a whole video; AnnotationError for a span or id that is none.

        So it is where two clips have one id, or one clip has two.
        """
        start, end = ((row.get(column) or "").strip() for column in ("start_s", "end_s"))
        if not start and not end:
            return None
        if not start or not end:
            raise AnnotationError(f"{where}: a clip needs both 'start_s' and 'end_s'; leave both empty for all of it")
        start_s, end_s = _number(start, f"{where}: 'start_s'"), _number(end, f"{where}: 'end_s'")
        if not start_s < end_s:
            raise AnnotationError(f"{where}: the clip ends at {end} s, and begins at {start} s; it must end later")
        clip = Clip(row["video"].strip(), start_s, end_s, _id(row, where))
        before = self._ids.setdefault((clip.video, *clip.span_s), clip.id)
        if before != clip.id:
            told = f"{before[:80]!r}" if before else "no 'id'"
            raise AnnotationError(f"{where}: these seconds have {told} in a row above; a clip has one 'id' in all rows")
        if clip.id and self._of_ids.setdefault(clip.id, clip) != clip:
            raise AnnotationError(f"{where}: another clip above has the 'id' {clip.id[:80]!r} too; each needs its own")
        return clip


def clip_content(content: str, span_s: tuple[float, ...]) -> str:
    """32 hex digits that tell the clip from all others: of the content of its file, and its span."""
    span = ",".join(map(_seconds, span_s))
    return hashlib.sha256(f"{content}#t={span}".encode()).hexdigest()[:32]


def _id(row: Mapping[str, str], where: str) -> str:
    given = (row.get("id") or "").strip()
    why = unsafe(given) or ("a part of it begins with a dot" if is_hidden(given) else "") if given else ""
    if why or "\\" in given:
        raise AnnotationError(f"{where}: the 'id' {given[:80]!a} cannot name a clip: {why or 'it has a backslash'}")
    return given


def _number(text: str, where: str) -> float:
    number = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not 0 <= number <= LATEST_S:
        raise AnnotationError(
            f"{where} must be seconds from the beginning of the video, e.g. 12.5, found {text[:40]!a}"
        )
    return round(number, DIGITS)


def _seconds(time_s: float) -> str:
    """The shortest text of a time."""
    return f"{time_s:.{DIGITS}f}".rstrip("0").rstrip(".")
