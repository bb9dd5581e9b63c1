"""A query as the engines read it, with what those found that know more than a ranking."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from search.engines.examples import FoundExample
from search.engines.frames import FoundFrames
from search.engines.fulltext import Match
from search.engines.label_words import FoundLabels
from search.engines.minus import SplitQuery
from search.filters import Options
from search.index.vectors import Query
from search.people.people import SeenFace


@dataclass(frozen=True)
class Sought:
    """A query as the engines read it."""

    text: str
    """Empty where no text was asked for."""
    options: Options
    matches: Mapping[int, Match] = field(default_factory=dict)
    """Row -> the words that match."""
    labels: Mapping[int, Match] = field(default_factory=dict)
    """Row -> the labels that match."""
    embedded: Query | None = None
    """As the trained experts read it; None where they take no part."""
    frames: FoundFrames | None = None
    label_words: FoundLabels | None = None
    faces: Mapping[int, Sequence[SeenFace]] = field(default_factory=dict)
    """Row -> the faces of the people that were asked for, the most telling one first."""
    example: FoundExample | None = None
    """What was found for an example that was asked with; None where there was none."""
    refined_by: SplitQuery | None = None
    """The text by whose tokens a second stage puts the best in order; None without such a stage."""
