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
    manifest = inventory.manifest()
    videos = manifest.videos if manifest else ()
    for video in videos:
        for text in _texts(video.note):
            experts[video.video_id, text] = []
            present.add((video.video_id, text))
    for expert in inventory.selection.experts:
        state = inventory.expert_state(expert)
        for place, reason, has_vectors in state.held.notes() if state else ():
            for text in _texts(reason):
                note = (videos[place].video_id, text)
                experts.setdefault(note, []).append(expert.name)
                if has_vectors:
                    present.add(note)
    return [
        Note(video, text, tuple(names), (video, text) not in present)
        for (video, text), names in sorted(experts.items(), key=lambda item: item[0])
    ]


def _texts(joined: str) -> list[str]:
    return [text for text in _BETWEEN.split(joined) if text]
