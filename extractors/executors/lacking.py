"""Which rows are still lacking while other hosts fill the same stores; each part is read once."""

from collections.abc import Iterable
from pathlib import Path

from extractors.extraction.job import ChunkJob, without
from extractors.extraction.work import Wanted
from pipeline.stores import places, store
from pipeline.stores.keys import KeySet


class Lacking:
    """The rows that a run wants and that no store has."""

    def __init__(self, wanted: Iterable[Wanted]) -> None:
        self._missing = {item.expert.name: KeySet.of(item.keys) for item in wanted}
        self._stores = {item.expert.name: item.folder for item in wanted}
        self._read: set[Path] = set()
        self._given_up: set[str] = set()

    def refresh(self) -> None:
        """Reads the parts that were published since the last time. DamagedError as by `store.rows`."""
        for name, folder in self._stores.items():
            places.place_of(folder).refresh()  # what was listed seconds ago may lack what a host has just finished
            for part in store.parts(folder):
                if part not in self._read:
                    self._missing[name] = self._missing[name].less([row.key for row in store.rows_of(part)])
                    self._read.add(part)

    def give_up(self, experts: Iterable[str]) -> None:
        """Takes nothing as lacking of these experts any more, since they fail here."""
        self._given_up |= set(experts)

    def of(self, job: ChunkJob) -> ChunkJob | None:
        """The job with what is still lacking, as of the last `refresh`; None where that is nothing."""
        return without(job, lambda name, key: name in self._given_up or key not in self._missing[name])
