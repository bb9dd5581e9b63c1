"""Writes what an index keeps of the rows of one expert: for a map, for examples, and for texts that its tower reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pipeline.stores.keeping_reader import KeepingReader
from search.building.overview import write_map
from search.engines import frames, late_interaction
from search.index import earlier_rows, features
from search.index.earlier_rows import OfStore


@dataclass(frozen=True)
class ExpertRows:
    """The rows of the V videos of an index in the store of one expert; of a small store each part is read once."""

    expert: str
    modality: str
    store: Path
    dim: int
    """Length of its vectors."""
    keys: Sequence[str]
    """(V,), of the row of each video."""

    def write(self, folder: Path) -> None:
        """Writes what a map and examples need into the index at `folder`."""
        write_map(folder, self.expert, self._reader, self.keys, self._of_store.present)
        features.save(folder, self.expert, self.modality, self._reader, self.dim, self.keys)

    def write_for_texts(self, folder: Path, version: int) -> None:
        """Writes what the text tower of the expert is compared with; `version`: of the code that builds an index."""
        frames.save(folder, self.expert, self._reader, self.dim, self.keys)
        files = late_interaction.files(self.expert)
        earlier = earlier_rows.find(folder, version, self._of_store, *files)
        late_interaction.save(folder, self.expert, self._reader, self.dim, self.keys, earlier)

    @cached_property
    def _reader(self) -> KeepingReader:
        return KeepingReader(self.store)

    @cached_property
    def _of_store(self) -> OfStore:
        return OfStore(self.expert, self.store, self.keys, self._reader.counts(self.keys) > 0)
