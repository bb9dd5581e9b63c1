"""The notes of a dataset's videos: those of the manifest, and those in the rows of the experts."""

import functools
import heapq
import re
from collections.abc import Iterable, Iterator
from operator import itemgetter

from pipeline.reports.notes import Note
from pipeline.stores.row_table import Noted
from pipeline.stores.row_table import notes_of as notes_of_rows
from tasks.plan.inventory import Inventory

_BETWEEN = re.compile(r"; (?!left out)")
"""Between two notes of a row."""


Told = tuple[str, tuple[str, ...], bool]
"""(text, experts that made it, whether it only says why they found nothing) of a note."""


def notes_of(inventory: Inventory) -> Iterator[Note]:
    """Each different note of each video, with the experts that made it, in manifest order, and by text.

    Reasons of rows that failed are left out: a report lists them as failures. One video at a time, since there may be
    as many notes as rows.
    """
    return (Note(video, *told) for video, notes in _by_video(inventory) for told in notes)


def shown_notes(inventory: Inventory) -> Iterator[tuple[str, ...]]:
    """(video, text, *experts) of each note; what is shown of it, for fingerprints of a million."""
    return ((video, text, *experts) for video, notes in _by_video(inventory) for text, experts, _ in notes)


def _by_video(inventory: Inventory) -> Iterator[tuple[str, list[Told]]]:
    """The notes of each video that has any."""
    manifest = inventory.manifest()
    if manifest is None:
        return
    ids, of_files = manifest.videos.ids, manifest.videos.column("note")
    experts = inventory.selection.experts
    names = tuple(expert.name for expert in experts)
    states = [inventory.expert_state(expert) for expert in experts]
    of_rows: Iterator[tuple[int, Noted]] = notes_of_rows([state.held for state in states if state])
    if any(of_files):
        noted = ((place, ()) for place, note in enumerate(of_files) if note)
        # A video with both comes twice, its rows first: they are told with the note of its file.
        of_rows = _first_of_each(heapq.merge(of_rows, noted, key=itemgetter(0)))
    for place, rows in of_rows:
        yield ids[place], _told(of_files[place], rows, names)


def _first_of_each(of_videos: Iterable[tuple[int, Noted]]) -> Iterator[tuple[int, Noted]]:
    last = -1
    for place, rows in of_videos:
        if place != last:
            yield place, rows
        last = place


@functools.lru_cache(maxsize=4096)
def _told(of_file: str, rows: Noted, names: tuple[str, ...]) -> list[Told]:
    """The notes of a video, by text."""
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
