"""How videos are cut into clips: by their shots, in windows of equal length, or at pauses of speech."""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from pipeline import config
from pipeline.datasets.clips import DIGITS

CUT_VERSION = 1
"""Raised by hand when the same settings and the same rows of an expert give other clips."""

SHORTEST_S = 0.1
"""Clips begin at least this far apart."""

WHOLE = ".whole"
"""A dataset whose YAML says how it is cut has a second name with this at the end: it stands for the uncut videos."""

SHOTS = "shots_light"
"""The expert whose shots are taken where none is named."""


class Span(NamedTuple):
    """A piece of a video, in seconds."""

    start_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        """How long it is."""
        return self.end_s - self.start_s


@dataclass(frozen=True)
class Cutting:
    """The block `segment` of a dataset's YAML. A video that is left in one piece stays a video."""

    __pydantic_config__ = config.STRICT
    by: Literal["shots", "seconds", "sentences"]
    """shots: those of an expert; seconds: windows of equal length; sentences: between the pauses of speech."""
    expert: str = ""
    """For shots an expert whose rows are shots, by default shots_light; for sentences one of speech."""
    seconds: float = 0.0
    """For seconds: length of a window."""
    overlap_s: float = 0.0
    """For seconds: how much of a window is in the next one too."""
    pause_s: float = 0.7
    """For sentences: where nobody speaks for this long, a clip ends and the next begins, in the middle of the pause."""
    shortest_s: float = 1.0
    """A clip that would be shorter is joined with the next one, the last one with that before it."""
    longest_s: float | None = None
    """A clip that would be longer is cut into equal parts; null: none is. For seconds their length says it."""

    def __post_init__(self) -> None:
        longest_s = math.inf if self.longest_s is None else self.longest_s
        if self.by == "seconds" and not 0 <= self.overlap_s <= self.seconds - SHORTEST_S:
            raise ValueError(f"by: seconds needs seconds, and overlap_s from 0 on to {SHORTEST_S} s less than that")
        if self.by == "seconds" and (self.expert or self.longest_s is not None):
            raise ValueError("by: seconds takes neither expert nor longest_s")
        if self.by != "seconds" and (self.seconds or self.overlap_s):
            raise ValueError(f"by: {self.by} takes neither seconds nor overlap_s")
        if self.by == "sentences" and not self.expert:
            raise ValueError("by: sentences needs the name of an expert of speech, e.g. expert: speech_light")
        if self.pause_s <= 0 or self.shortest_s < SHORTEST_S or longest_s < 2 * self.shortest_s:
            raise ValueError(f"pause_s must be above 0, shortest_s {SHORTEST_S} or more, and longest_s twice as long")

    @property
    def expert_name(self) -> str:
        """The expert by whose rows videos are cut; empty where it takes none."""
        return self.expert or (SHOTS if self.by == "shots" else "")

    @property
    def modality(self) -> str:
        """What that expert must be of."""
        return {"shots": "shots", "sentences": "speech"}.get(self.by, "")

    @property
    def recipe(self) -> dict[str, Any]:
        """All of it that decides the clips, but the rows of the expert."""
        return {"version": CUT_VERSION, **dataclasses.asdict(self)}

    def spans(self, duration_s: float, rows_s: Sequence[Sequence[float]]) -> list[Span]:
        """The clips of a video of this length, by rising starts; one of the whole video where it stays in one piece.

        `rows_s`: start and end of each row of the expert, by rising starts; empty without one, or where it has seen
        nothing.
        """
        whole = Span(0.0, duration_s)
        if self.by == "seconds":
            found = list(_windows(duration_s, self.seconds, self.seconds - self.overlap_s))
        elif self.by == "shots":
            found = [Span(start_s, min(end_s, duration_s)) for start_s, end_s in rows_s if start_s < duration_s]
        else:
            found = _between_pauses(whole, rows_s, self.pause_s)
        joined = _joined(found or [whole], self.shortest_s)
        longest_s = math.inf if self.longest_s is None else self.longest_s
        parts = [part for span in joined for part in _parts(span, longest_s)]
        return [Span(round(start_s, DIGITS), round(end_s, DIGITS)) for start_s, end_s in parts]


def _windows(duration_s: float, length_s: float, step_s: float) -> Iterator[Span]:
    """Windows from the beginning on; the last one ends with the video."""
    number = 0
    while True:
        start_s = number * step_s
        yield Span(start_s, min(start_s + length_s, duration_s))
        if start_s + length_s >= duration_s:
            return
        number += 1


def _between_pauses(whole: Span, rows_s: Sequence[Sequence[float]], pause_s: float) -> list[Span]:
    """The video, cut in the middle of each pause between rows; what comes before and after all speech goes with it."""
    cuts = [whole.start_s]
    said_until_s = math.inf
    for start_s, end_s in rows_s:
        if start_s - said_until_s >= pause_s:
            cuts.append((start_s + said_until_s) / 2)
        said_until_s = end_s if math.isinf(said_until_s) else max(said_until_s, end_s)
    return [Span(*pair) for pair in pairwise([*(cut for cut in cuts if cut < whole.end_s), whole.end_s])]


def _joined(spans: Sequence[Span], shortest_s: float) -> list[Span]:
    """The spans, those that are too short joined with their neighbours."""
    joined: list[Span] = []
    for span in spans:
        if joined and joined[-1].length_s < shortest_s:
            joined[-1] = Span(joined[-1].start_s, max(joined[-1].end_s, span.end_s))
        else:
            joined.append(span)
    if len(joined) > 1 and joined[-1].length_s < shortest_s:
        last = joined.pop()
        joined[-1] = Span(joined[-1].start_s, last.end_s)
    return joined


def _parts(span: Span, longest_s: float) -> Iterator[Span]:
    number = max(1, math.ceil(span.length_s / longest_s - 1e-9))
    for part in range(number):
        edges = (span.start_s + (part + side) * span.length_s / number for side in (0, 1))
        yield Span(*edges)
