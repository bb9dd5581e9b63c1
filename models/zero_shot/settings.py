"""Settings of label words, and versions; a module of their own: a run with nothing to do reads them without numpy."""

from dataclasses import dataclass
from typing import Literal

from pipeline import config

VERSION = 1
"""Raised by hand when the code of `label_words.py` changes a score."""
LATE_INTERACTION_VERSION = 1
"""Raised by hand when the code of `late_interaction.py` or `few_vectors.py` changes a score; for the latter the version
of the index too."""


@dataclass(frozen=True)
class LabelWords:
    """Block `label_words:` of configs/search.yaml."""

    __pydantic_config__ = config.STRICT
    text: str = ""
    """Name of the sentence encoder in configs/text/: one vector of length 1 for each text. Empty: no label words."""
    temperature: float = 0.05
    """Smaller: only the classes whose names are closest to the query count."""
    labels: int = 50
    """At most so many of the classes that are kept of a frame count, the most probable first."""
    power: float = 0.5
    """Of the probabilities; smaller: it matters less how sure the classifier was."""
    pool: Literal["max", "mean"] = "max"
    """Score of a video: that of its best frame, or the mean of its frames."""

    def __post_init__(self) -> None:
        if self.temperature <= 0 or self.power <= 0 or self.labels < 1:
            raise ValueError("label_words: temperature and power must be above 0, and labels at least 1")


def synonyms(name: str) -> tuple[str, ...]:
    """The names of a class whose name holds synonyms after commas: ("brown bear", "bruin", "Ursus arctos")."""
    return tuple(filter(None, (part.strip() for part in name.split(",")))) or (name,)
