"""The notes of a dataset's videos: those of the manifest, and those in the rows of the experts."""

import re

from pipeline.reports.notes import Note
from tasks.plan.inventory import Inventory

_BETWEEN = re.compile(r"; (?!left out)")
"""Between two notes of a row."""


def notes_of(inventory: Inventory) -> list[Note]:
    """Each different note of each video, with the experts that made it, in manifest order.

    Reasons of rows that failed are left out: a report lists them as failures.
    """
    experts: dict[tuple[str, str], list[str]] = {}
    present: set[tuple[str, str]] = set()
    files = inventory.files()
    for _, video in files:
        for text in _texts(video.note):
            experts[video.video_id, text] = []
            present.add((video.video_id, text))
    for expert in inventory.selection.experts:
        state = inventory.expert_state(expert)
        for _, video in files if state else ():
            row = state.rows.get(inventory.row_key(expert, video)) if state else None
            for text in _texts(row.reason) if row and not row.failed else ():
                experts.setdefault((video.video_id, text), []).append(expert.name)
                if row and row.count:
                    present.add((video.video_id, text))
    return [
        Note(video, text, tuple(names), (video, text) not in present)
        for (video, text), names in sorted(experts.items(), key=lambda item: item[0])
    ]


def _texts(joined: str) -> list[str]:
    return [text for text in _BETWEEN.split(joined) if text]
