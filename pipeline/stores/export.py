"""What an expert found, as files for use elsewhere: JSON lines, Parquet, or one NumPy array a video."""

import csv
import io
import json
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pipeline.errors import ConfigError
from pipeline.stores import atomic
from pipeline.stores.parts import Features
from pipeline.stores.store import Row

Format = Literal["jsonl", "parquet", "npy"]

Found = tuple[str, Features]
"""A video's id, and what was found in it."""


def export(found: Iterable[Found], path: Path, kind: Format) -> int:
    """Writes `path`, whole or not at all (.npy: a folder, file by file); returns how many rows.

    A row is a word, a face or a moment: its video, its times in seconds, and all that is kept beside its vector. The
    vector itself is written where nothing else is kept, and always in .npy.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "npy":
        return sum(_write_arrays(video, features, path) for video, features in found)
    temporary = path.with_name(f".tmp-{uuid.uuid4().hex[:8]}-{path.name}")
    write = _write_lines if kind == "jsonl" else _write_parquet
    try:
        count = write(found, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return count


def export_states(found: Iterable[tuple[str, Row]], path: Path) -> Counter[str]:
    """Writes, as CSV, what came of each video: present, absent or failed, and the reason; counts each.

    A video without a row in an export has nothing there, or could not be read: only this tells which.
    """
    counts: Counter[str] = Counter()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("video", "state", "rows", "reason"))
    for video, row in found:
        state = "failed" if row.failed else "present" if row.count else "absent"
        counts[state] += 1
        writer.writerow((video, state, row.count, row.reason))
    atomic.write_text(path, text.getvalue())
    return counts


def rows(video: str, features: Features) -> Iterator[dict[str, Any]]:
    """One plain mapping a row."""
    beside = dict(features.extras) or {"features": features.values}
    for index, (start_s, end_s) in enumerate(features.times_s.tolist()):
        yield {
            "video": video,
            "start_s": start_s,
            "end_s": end_s,
            **{name: _plain(values[index]) for name, values in sorted(beside.items())},
        }


def _plain(value: Any) -> Any:
    """A NumPy value as JSON has it; float32 with the digits that it has, not those of its double."""
    if isinstance(value, np.ndarray):
        return [_plain(one) for one in value]
    if isinstance(value, np.float32):
        return float(str(value))
    return value.item() if isinstance(value, np.generic) else value


def _write_lines(found: Iterable[Found], path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for video, features in found:
            for row in rows(video, features):
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                count += 1
    return count


def _write_parquet(found: Iterable[Found], path: Path) -> int:
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise ConfigError("Parquet needs the package pyarrow: pip install pyarrow, or take --format jsonl") from None
    table = pyarrow.Table.from_pylist([row for video, features in found for row in rows(video, features)])
    parquet.write_table(table, path)
    return int(table.num_rows)


def _write_arrays(video: str, features: Features, folder: Path) -> int:
    """`<video>.npy` (T, D) and `<video>.times_s.npy` (T, 2)."""
    path = folder / f"{video}.npy"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, features.values)
    np.save(path.with_suffix(".times_s.npy"), features.times_s)
    return len(features.values)
