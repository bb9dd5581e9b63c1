"""Exports the features of an expert in one of the formats, and a table of what came of each video."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

import numpy as np

from pipeline.errors import ConfigError
from pipeline.export.folders import replacing_folder, told
from pipeline.export.lines import write_lines
from pipeline.export.source import LABELS, Source, VideoFeatures
from pipeline.export.tables import write_lance, write_parquet
from pipeline.export.tars import write_tars
from pipeline.stores import atomic
from pipeline.stores.parts import Features
from pipeline.stores.store import Row

Format = Literal["jsonl", "parquet", "lance", "webdataset", "npy"]

_FOLDERS: dict[str, Callable[[Iterable[VideoFeatures], Path, Source], int]] = {
    "lance": write_lance,
    "webdataset": write_tars,
}
"""Formats that are a folder, which appears whole."""


def name_of(expert: str, kind: Format) -> str:
    """The name of the file or folder of an export by default."""
    return expert if kind == "npy" else f"{expert}.{kind}"


def export(videos: Iterable[VideoFeatures], path: Path, kind: Format, source: Source) -> int:
    """Writes `path`, which appears whole (`npy`: a folder, file by file); returns the number of rows.

    A row is one feature vector's entry (a word, a face, a moment): its video, its times in seconds, its extras, and the
    vector; in `jsonl` the vector stands only where there are no extras but labels. ConfigError where a package is
    missing, or something else lies in the way; StoreError where `path` cannot be written.
    """
    with told(path):
        return _export(videos, path, kind, source)


def _export(videos: Iterable[VideoFeatures], path: Path, kind: Format, source: Source) -> int:
    if kind == "npy":
        return sum(_write_arrays(video.video, video.features, path) for video in videos)
    if kind in _FOLDERS:
        with replacing_folder(path, source.facts) as temporary:
            return _FOLDERS[kind](videos, temporary, source)
    if path.is_dir():
        raise ConfigError(f"{path}: it is a folder, and {kind} is a file; name one with --to")
    with atomic.replacing(path) as temporary:
        return write_lines(videos, temporary) if kind == "jsonl" else write_parquet(videos, temporary, source)


def export_states(videos: Iterable[tuple[str, Row, str]], path: Path) -> Counter[str]:
    """Writes each video's state (present, absent or failed), its reason and its note as CSV; returns counts by state.

    `videos`: id, row, and what the manifest notes of the file. A video that has no row in an export is either absent or
    failed, and a video that is present may be incomplete; only this file says so. "noted" counts those with a note, or
    with a reason though they are present.
    """
    counts: Counter[str] = Counter()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("video", "state", "rows", "reason", "note"))
    for video, row, note in videos:
        state = "failed" if row.failed else "present" if row.count else "absent"
        counts[state] += 1
        counts["noted"] += bool(note or (row.count and row.reason))
        writer.writerow((video, state, row.count, row.reason, note))
    atomic.write_text(path, text.getvalue())
    return counts


def _write_arrays(video: str, features: Features, folder: Path) -> int:
    """Writes `<video>.npy` (T, D), `<video>.times_s.npy` (T, 2), and of a classifier its labels, (T, K); returns T."""
    path = folder / f"{video}.npy"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, features.values)
    np.save(path.with_suffix(".times_s.npy"), features.times_s)
    for name in LABELS:
        if name in features.extras:
            np.save(path.with_suffix(f".{name}.npy"), features.extras[name])
    return len(features.values)
