"""What a text can be compared with, by the text tower of an expert; and which of several such experts take part."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pipeline.errors import PipelineError
from search.engines.minus import SplitQuery
from search.engines.text_encoders import TextEncoders
from search.index.vectors import Floats


@dataclass(frozen=True)
class Towered(ABC):
    """The vectors of one expert in an index, and the matching text encoder."""

    folder: Path
    """Folder of the index."""
    expert: str
    encoders: TextEncoders

    @abstractmethod
    def query(self, text: str, unwanted: Sequence[str] = ()) -> Floats:
        """What the tower says of a text, less what is `unwanted`; PipelineError when it cannot be loaded."""


One = TypeVar("One", bound=Towered)


def weighted(experts: Sequence[One], weights: Mapping[str, float]) -> list[One]:
    """Those that are not left out by a weight of 0; `weights`: expert -> its weight, 1 where nothing is said."""
    return [one for one in experts if weights.get(one.expert, 1.0) > 0]


def loaded(experts: Sequence[One], text: SplitQuery, notes: list[str]) -> Iterator[tuple[One, Floats]]:
    """The first expert of each modality that can be loaded, with its query; appends to `notes` why one cannot be."""
    taken = set[str]()
    for one in experts:
        modality = one.encoders.facts.modalities.get(one.expert, one.expert)
        if modality in taken:
            continue
        try:
            query = one.query(text.wanted, text.unwanted)
        except PipelineError as error:
            note = f"{one.expert} takes no part: {error}"
            notes += [] if note in notes else [note]
            continue
        taken.add(modality)
        yield one, query
