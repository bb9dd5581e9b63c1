"""The notes of a dataset's videos: those of the manifest, and those in the rows of the experts."""

import functools
import heapq
import itertools
import re
from collections.abc import Iterable, Iterator
from operator import itemgetter

from pipeline.reports.notes import Note
from tasks.plan.inventory import ExpertState, Inventory

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
    ids, notes = manifest.videos.ids, manifest.videos.column("note")
    of_files = ((place, "", note, True) for place, note in enumerate(notes) if note)
    states = [inventory.expert_state(expert) for expert in inventory.selection.experts]
    of_rows = [_of_rows(state) for state in states if state]
    # By place alone, so that of one video the file is first, and then the experts in their order.
    in_order = heapq.merge(of_files, *of_rows, key=itemgetter(0))
    for place, reasons in itertools.groupby(in_order, key=itemgetter(0)):
        yield from _of_video(ids[place], reasons)


def _of_rows(state: ExpertState) -> Iterator[tuple[int, str, str, bool]]:
    """(place of the video, name of the expert, reason, whether there are vectors)"""
    return ((place, state.expert.name, reason, has_vectors) for place, reason, has_vectors in state.held.notes())


def _of_video(video_id: str, reasons: Iterable[tuple[int, str, str, bool]]) -> Iterator[Note]:
    experts: dict[str, list[str]] = {}
    present: set[str] = set()
    for _, expert, reason, is_present in reasons:
        for text in _texts(reason):
            made_by = experts.setdefault(text, [])
            if expert:
                made_by.append(expert)
            if is_present:
                present.add(text)
    return (Note(video_id, text, tuple(names), text not in present) for text, names in sorted(experts.items()))


@functools.lru_cache(maxsize=4096)
def _texts(joined: str) -> tuple[str, ...]:
    return tuple(text for text in _BETWEEN.split(joined) if text)
