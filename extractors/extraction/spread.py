"""The frames that are spread evenly over a video or its clips: which they are, and the view that is made of them.

F frames of a clip, N frames of an item, I items.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors.extraction.decoded import Decoded
from extractors.extraction.frame_grid import EDGE_S, GridFrames, empty_frame_view, frames_note
from extractors.shown.needs import SpreadAt, SpreadNeed
from extractors.shown.shown_views import FrameView
from pipeline.media.video import VideoInfo


@dataclass(frozen=True)
class SpreadGrid:
    """The frames and items of a SpreadNeed in one segment."""

    need: SpreadNeed
    times_s: NDArray[np.float64]
    """Presentation times of all frames that are needed, each once."""
    picks: NDArray[np.int64]
    """(I, N), which of these times are those of an item."""
    spans_s: NDArray[np.float64]
    """(I, 2), start and end of each item."""
    offset_s: float = 0.0
    """Where that from which the times count begins in the file, as in a Grid."""
    first: int = 0
    """Number of the first of `times_s`."""


def spread_numbers(num: int, num_frames: int, at: SpreadAt) -> NDArray[np.int64]:
    """(N,) numbers of the `num_frames` that are taken of `num` frames; see `SpreadNeed`."""
    each = np.arange(num_frames, dtype=np.int64)
    if at == "start":
        return each * num // num_frames
    if at == "middle":
        return (2 * each + 1) * num // (2 * num_frames)
    if at == "ends":
        return each * (num - 1) // max(1, num_frames - 1)
    return np.linspace(0, num - 1, num_frames).round().astype(np.int64)


def spread_grid(need: SpreadNeed, info: VideoInfo, span_s: tuple[float, float], offset_s: float = 0.0) -> SpreadGrid:
    """The grid of the clips that start within `span_s`; the whole video starts at 0. Frames may lie after the span.

    `info` is of the video that begins at `offset_s` in its file: 0, unless it is a clip of it itself.
    """
    clips = [clip for clip in _clips(need, info) if span_s[0] - EDGE_S <= clip.begins_s < span_s[1] - EDGE_S]
    numbers = [clip.first + spread_numbers(clip.stop - clip.first, need.num_frames, need.at) for clip in clips]
    chosen, picks = np.unique(np.array(numbers, np.int64).reshape(-1, need.num_frames), return_inverse=True)
    spans_s = np.array([clip.span_s for clip in clips], np.float64).reshape(-1, 2)
    return SpreadGrid(need, info.frame_times_s[chosen], picks.reshape(-1, need.num_frames), spans_s, offset_s)


@dataclass(frozen=True)
class _Clip:
    begins_s: float
    """Where it counts as begun: says in which segment it is."""
    first: int
    stop: int
    """Numbers of its frames."""
    span_s: tuple[float, float]


def _clips(need: SpreadNeed, info: VideoInfo) -> list[_Clip]:
    """The clips of a video in which frames begin."""
    times_s = info.frame_times_s
    if need.clip_s is None:
        return [_Clip(0.0, 0, len(times_s), (float(times_s[0]), info.end_s))]
    numbers, firsts = np.unique(np.floor(times_s / need.clip_s + EDGE_S).astype(np.int64), return_index=True)
    stops = [*firsts[1:], len(times_s)]
    starts_s = numbers * need.clip_s
    kept = starts_s + need.clip_s / 2 <= info.end_s + EDGE_S
    kept[0] = True
    return [
        _Clip(start_s, int(first), int(stop), (start_s, min(start_s + need.clip_s, info.end_s)))
        for start_s, first, stop, is_kept in zip(starts_s.tolist(), firsts, stops, kept, strict=True)
        if is_kept
    ]


def spread_view(grid: SpreadGrid, frames: GridFrames, info: VideoInfo) -> Decoded:
    """The items of the grid from its decoded frames (number -> frame).

    A frame that does not decode is replaced by the nearest one of its item that does, the earlier of two: one damaged
    frame must not cost a whole video. An item without any is left out.
    """
    need = grid.need
    if not len(grid.picks):
        return Decoded(empty_frame_view(need))
    note = frames_note(len(frames), len(grid.times_s), frames.num_damaged, info)
    items, spans_s = list[NDArray[Any]](), []
    for picks, span_s in zip(grid.picks, grid.spans_s, strict=True):
        there = np.array([number for number in np.unique(picks) if number in frames], np.int64)
        if len(there):
            nearest = there[np.abs(there - picks[:, None]).argmin(axis=1)]
            items += [frames[int(number)] for number in nearest]
            spans_s.append(span_s)
    if not items:
        return Decoded(None, note, failed=True)
    starts = np.arange(len(spans_s), dtype=np.int64) * need.window
    return Decoded(FrameView(np.stack(items), starts, need.window, np.stack(spans_s)), note)
