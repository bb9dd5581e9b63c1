"""Writes features as JSON lines, a line for each vector's entry: a word, a face, a moment."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.export.source import LABELS, VideoFeatures
from pipeline.stores.parts import Features


def write_lines(videos: Iterable[VideoFeatures], path: Path) -> int:
    """Writes a line for each row; returns their number."""
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for video in videos:
            for row in rows(video.video, video.features, video.clip):
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                count += 1
    return count


def rows(video: str, features: Features, clip: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
    """Each row of a video as a JSON-compatible dict; the vector stands in it when there are no extras but labels.

    `clip`: where it lies in its file, if that is to be told.
    """
    columns = dict(features.extras)
    if not columns.keys() - set(LABELS):
        columns["features"] = features.values
    for index, (start_s, end_s) in enumerate(features.times_s.tolist()):
        yield {
            "video": video,
            **(clip or {}),
            "start_s": start_s,
            "end_s": end_s,
            **{name: plain(values[index]) for name, values in sorted(columns.items())},
        }


def plain(value: Any) -> Any:
    """A NumPy value as a JSON value; a float32 keeps its own shortest digits (0.1, not 0.10000000149)."""
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value]
    if isinstance(value, np.float32):
        return float(str(value))
    return value.item() if isinstance(value, np.generic) else value
