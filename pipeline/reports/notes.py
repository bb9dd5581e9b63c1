"""Notes of videos (what their files lack, how they were read), bounded for a report: by kind, and the first ones."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

NUM_KINDS = 50
NUM_VIDEOS = 100

_PART = re.compile(r"^part \d+: ")
_FILE = re.compile(r"\S*\w\.[A-Za-z]\w{1,4}(?=[:,;\s]|$)")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Note:
    """One note of one video."""

    video: str
    text: str
    experts: tuple[str, ...] = ()
    """Names of the experts in whose rows it stands; empty where it is of the file."""
    is_absent: bool = False
    """Whether it only says why an expert found nothing, e.g. in a video without sound."""


def kind_of(text: str) -> str:
    """A note without what differs between videos: numbers are N, names of files FILE."""
    return _NUMBER.sub("N", _FILE.sub("FILE", _PART.sub("", text)))


def summary(notes: Sequence[Note]) -> dict[str, Any]:
    """{"total": number of notes, "kinds": kinds with their numbers of videos, "videos": the first notes}.

    The most frequent `NUM_KINDS` kinds, and `NUM_VIDEOS` notes, those of what is missing before those of what was never
    there.
    """
    kinds = Counter(kind for _, kind in {(note.video, kind_of(note.text)) for note in notes})
    frequent = sorted(kinds.items(), key=lambda item: (-item[1], item[0]))[:NUM_KINDS]
    first = sorted(notes, key=lambda note: (note.is_absent, note.video, note.text))[:NUM_VIDEOS]
    return {
        "total": len(notes),
        "kinds": [{"kind": kind, "videos": count} for kind, count in frequent],
        "videos": [{"video": note.video, "note": note.text, "experts": list(note.experts)} for note in first],
    }
