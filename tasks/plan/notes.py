"""The notes of a dataset's videos: those of the manifest, and those in the rows of the experts."""

import functools
import heapq
import re
from collections.abc import Iterator
from operator import itemgetter

from pipeline.reports.notes import Note
from pipeline.stores.row_table import Noted
from pipeline.stores.row_table import notes_of as notes_of_rows
from tasks.plan.inventory import Inventory

_BETWEEN = re.compile(r"; (?!left out)")
"""Between two notes of a row."""


def notes_of(inventory: Inventory) -> Iterator[Note]:
    """Each different note of each video, with the experts that made it, in manifest order, and by text.

    Reasons of rows that failed are left out: a report lists them as failures. One video at a time, since there may be
    as many notes as rows.
    """
    manifest = inventory.manifest()
    if manifest is None:
        return
    ids, of_files = manifest.videos.ids, manifest.videos.column("note")
    experts = inventory.selection.experts
    names = tuple(expert.name for expert in experts)
    states = [inventory.expert_state(expert) for expert in experts]
    of_rows = notes_of_rows([state.held for state in states if state])
    # A video with both comes twice, its rows first: they are told with the note of its file.
    of_videos = heapq.merge(of_rows, ((place, ()) for place, note in enumerate(of_files) if note), key=itemgetter(0))
    last = -1
    for place, rows in of_videos:
        if place != last:
            yield from (Note(ids[place], *told) for told in _told(of_files[place], rows, names))
        last = place


@functools.lru_cache(maxsize=4096)
def _told(of_file: str, rows: Noted, names: tuple[str, ...]) -> list[tuple[str, tuple[str, ...], bool]]:
    """(text, experts that made it, whether it only says why they found nothing) of each note, by text."""
    experts: dict[str, list[str]] = {text: [] for text in _texts(of_file)}
    present = set(experts)
    for number, reason, has_vectors in rows:
        for text in _texts(reason):
            experts.setdefault(text, []).append(names[number])
            if has_vectors:
                present.add(text)
    return [(text, tuple(made_by), text not in present) for text, made_by in sorted(experts.items())]


def _texts(joined: str) -> list[str]:
    return [text for text in _BETWEEN.split(joined) if text]
