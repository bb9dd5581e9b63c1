"""What is known of captions beside their text and tags, as one text for each video in a manifest.

A manifest without any of it is as it was before there were ids, grades and windows, so that older versions read it; one
with it they refuse.
"""

import json
from collections.abc import Sequence
from dataclasses import replace

from pipeline.datasets.annotations import Caption


def pack(captions: Sequence[Caption]) -> str:
    """Id, grade and windows of each caption as JSON; empty where all of them have only text and tags."""
    if not any(caption.judged for caption in captions):
        return ""
    return json.dumps([[one.id, one.grade, one.windows_s] for one in captions], ensure_ascii=False)


def unpack(captions: Sequence[Caption], text: str) -> tuple[Caption, ...]:
    """The captions with what `pack` kept of them; ValueError or TypeError where it is of other captions."""
    if not text:
        return tuple(captions)
    return tuple(
        replace(caption, id=name, grade=grade, windows_s=tuple((start_s, end_s) for start_s, end_s in windows_s))
        for caption, (name, grade, windows_s) in zip(captions, json.loads(text), strict=True)
    )
