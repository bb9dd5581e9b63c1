"""A video of a manifest as plain JSON values."""

import dataclasses
from typing import Any

from pipeline.datasets import asked
from pipeline.datasets.annotations import Caption
from pipeline.datasets.video import Video
from pipeline.datasets.video_columns import CLIP_FIELDS

ASKED = "asked"
"""Beside the fields of a video: what is known of its captions."""
FIELDS = {field.name for field in dataclasses.fields(Video)} | {ASKED}


def to_json(video: Video) -> dict[str, Any]:
    """The fields of a video; those of a clip, and of judged captions, only where it is one or has some.

    So older versions read all others.
    """
    item = dataclasses.asdict(video)
    item["captions"] = [{"text": caption.text, "tags": caption.tags} for caption in video.captions]
    if known := asked.pack(video.captions):
        item[ASKED] = known
    return item if video.span_s else {name: value for name, value in item.items() if name not in CLIP_FIELDS}


def from_json(item: dict[str, Any]) -> Video:
    """The video of these fields; KeyError or TypeError where they are not those of one."""
    plain = [Caption(caption["text"], tuple(caption["tags"])) for caption in item.pop("captions")]
    captions = asked.unpack(plain, item.pop(ASKED, ""))
    stamps, span_s = tuple(item.pop("stamps", ())), tuple(item.pop("span_s", ()))
    return Video(captions=captions, stamps=stamps, span_s=span_s, **item)
