"""Writes what an index tells of its collection as a whole: counts and reasons, and mean vectors for a map."""

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from pipeline.datasets.manifest import Video
from pipeline.stores.parts import Reader
from pipeline.stores.row_table import Held
from search.index.overview import OfExpert, Overview, reasons, write_vectors

MOST_ON_A_MAP = 5000
"""Videos on a map; of a larger collection so many, evenly spaced."""
BLOCK_VIDEOS = 256


def of_expert(held: Held, keys: Sequence[str], videos: Sequence[Video], root: Path) -> OfExpert:
    """What an expert has of V videos of the index, whose keys in its store are `keys`.

    `root`: folder of the videos, which is left out of the reasons: they are shown to whoever opens the page.
    """
    present = int(held.is_present.sum())
    failed = {row.key: row.reason for row in held.failed}
    if not failed:
        return OfExpert(present, len(videos) - present, 0, ())
    found = [
        (video.video_id, _plain(failed[key], video.video_id, root))
        for key, video in zip(keys, videos, strict=True)
        if key in failed
    ]
    return OfExpert(present, len(videos) - present - len(found), len(found), reasons(found))


def of_collection(experts: dict[str, OfExpert], videos: Iterable[Video], root: Path) -> Overview:
    """The overview of the index of a dataset with these videos, also of those that are not in the index."""
    troubled = [
        (video.video_id, _plain(video.problem, video.video_id, root), video.is_missing)
        for video in videos
        if video.problem
    ]
    left_out = reasons((video_id, problem) for video_id, problem, is_missing in troubled if not is_missing)
    missing = reasons((video_id, problem) for video_id, problem, is_missing in troubled if is_missing)
    return Overview(experts, left_out, missing)


def _plain(reason: str, video_id: str, root: Path) -> str:
    """A reason without the name of the video, so that those of several videos are one."""
    text = reason.replace(f"{root}/", "").removeprefix(f"{video_id}: ").removeprefix(f"{PurePath(video_id).name}: ")
    return text or "no reason was given"


def write_map(folder: Path, expert: str, store: Reader, keys: Sequence[str], present: NDArray[np.bool_]) -> None:
    """Writes the mean vectors, of length 1, of videos with features: all, or MOST_ON_A_MAP of them.

    `keys`: of all V videos of the index; `present` (V,): which of them have features.
    """
    rows = np.flatnonzero(present)
    if len(rows) > MOST_ON_A_MAP:
        rows = rows[np.linspace(0, len(rows) - 1, MOST_ON_A_MAP).round().astype(np.int64)]
    means = [np.zeros((0, 0), np.float32)]
    for start in range(0, len(rows), BLOCK_VIDEOS):
        block = store.beside("values", [keys[row] for row in rows[start : start + BLOCK_VIDEOS]])
        sums = np.add.reduceat(block.values, block.offsets[:-1], axis=0)
        means.append(sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), np.finfo(np.float32).tiny))
    if len(means) > 1:
        write_vectors(folder, expert, rows.tolist(), np.concatenate(means[1:]))
