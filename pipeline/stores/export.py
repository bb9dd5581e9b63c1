"""Exports the features of an expert as JSON lines, Parquet, or one NumPy array per video."""

import csv
import dataclasses
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pipeline.errors import ConfigError
from pipeline.stores import atomic
from pipeline.stores.parts import Features
from pipeline.stores.store import Row

Format = Literal["jsonl", "parquet", "npy"]

VideoFeatures = tuple[str, Features]
"""A video's id and its features."""

LABELS = ("labels", "label_scores")
"""Extras of a classifier, which stand beside the vectors and do not replace them."""


def with_label_names(features: Features, names: Sequence[str]) -> Features:
    """The features with the name of each label in place of its index; as they are where there are no labels."""
    if "labels" not in features.extras:
        return features
    named = np.array(names, np.str_)[features.extras["labels"].astype(np.int64)]
    return dataclasses.replace(features, extras={**features.extras, "labels": named})


def export(videos: Iterable[VideoFeatures], path: Path, kind: Format) -> int:
    """Writes `path` atomically (`npy`: a folder, file by file); returns the number of rows.

    A row is one feature vector's entry (a word, a face, a moment): its video, its times in seconds, and the extras of
    the vector. The vector itself is written only when there are no extras but labels, and always in `npy`.
    """
    if kind == "npy":
        return sum(_write_arrays(video, features, path) for video, features in videos)
    write = _write_lines if kind == "jsonl" else _write_parquet
    with atomic.replacing(path) as temporary:
        return write(videos, temporary)


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


def rows(video: str, features: Features) -> Iterator[dict[str, Any]]:
    """Each row of a video as a JSON-compatible dict."""
    columns = dict(features.extras)
    if not columns.keys() - set(LABELS):
        columns["features"] = features.values
    for index, (start_s, end_s) in enumerate(features.times_s.tolist()):
        yield {
            "video": video,
            "start_s": start_s,
            "end_s": end_s,
            **{name: _plain(values[index]) for name, values in sorted(columns.items())},
        }


def _plain(value: Any) -> Any:
    """A NumPy value as a JSON value; a float32 keeps its own shortest digits (0.1, not 0.10000000149)."""
    if isinstance(value, np.ndarray):
        return [_plain(item) for item in value]
    if isinstance(value, np.float32):
        return float(str(value))
    return value.item() if isinstance(value, np.generic) else value


def _write_lines(videos: Iterable[VideoFeatures], path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for video, features in videos:
            for row in rows(video, features):
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                count += 1
    return count


def _write_parquet(videos: Iterable[VideoFeatures], path: Path) -> int:
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise ConfigError("Parquet needs the package pyarrow: pip install pyarrow, or take --format jsonl") from None
    table = pyarrow.Table.from_pylist([row for video, features in videos for row in rows(video, features)])
    parquet.write_table(table, path)
    return int(table.num_rows)


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
