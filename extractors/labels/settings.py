"""Block `labels:` in the YAML of a classifier: what its classes are called, and how many it keeps for each item."""

from dataclasses import dataclass

from extractors.labels.class_names import ClassNames, shipped
from pipeline import config
from pipeline.stores.fingerprint import DIGITS, Recipe, text_sha256

MOST_CLASSES = 2**15
"""Indices of classes are stored as int16."""


@dataclass(frozen=True)
class LabelSettings:
    """Which labels of a classifier are kept beside its vectors."""

    __pydantic_config__ = config.STRICT
    names: str | tuple[str, ...]
    """A shipped list (imagenet1k, kinetics400, places365, audioset), or the names themselves, in the order of the
    network's outputs."""
    keep: int = 20
    """K, the number of labels kept for each item: those with the highest probabilities."""

    def __post_init__(self) -> None:
        number = len(self.classes.names)
        if not 1 <= number <= MOST_CLASSES:
            raise ValueError(f"{number} names; a classifier has 1 to {MOST_CLASSES}")
        if not 1 <= self.keep <= number:
            raise ValueError(f"keep must be 1 to {number}, the number of classes")

    @property
    def classes(self) -> ClassNames:
        """The names, with their descriptions."""
        return shipped(self.names) if isinstance(self.names, str) else ClassNames(self.names, self.names)

    def problem(self, num_classes: int) -> str:
        """Why a network with so many classes (0: no classifier) cannot keep these labels; empty where it can."""
        number = len(self.classes.names)
        if not num_classes:
            return "its extractor is no classifier that keeps labels"
        return f"{number} names for a network with {num_classes} classes" if number != num_classes else ""

    @property
    def recipe(self) -> Recipe:
        """All that decides what is kept, and what it means."""
        return {"names": text_sha256("\n".join(self.classes.names))[:DIGITS], "keep": self.keep}
