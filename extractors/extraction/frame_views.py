"""Decodes the frames of a piece of a file for all grids at once, and makes the view of each of them."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from extractors.base import FrameNeed, FrameView, SpreadNeed
from extractors.extraction.decoded import Decoded
from extractors.extraction.frame_grid import Grid, GridFrames, empty_frame_view, frames_note, grid_of
from extractors.extraction.resize import Resize, resize_shown
from extractors.extraction.segments import Segment
from extractors.extraction.spread import SpreadGrid, spread_grid, spread_view
from pipeline.media.video import ShownFrame, VideoInfo, shown_at

FAR_S = 16.0
"""Wanted frames further apart than this are each sought: decoding what lies between would cost more."""

AnyGrid: TypeAlias = Grid | SpreadGrid


class FramesWanted(NamedTuple):
    """Frames that a segment of a piece needs."""

    place: int
    """Of the segment in the piece."""
    segment: Segment
    need: FrameNeed | SpreadNeed
    info: VideoInfo
    """Of the video or clip."""


def frame_views(wanted: Sequence[FramesWanted], info: VideoInfo) -> list[Decoded]:
    """The view for each that is wanted, in one reading of the file, of which `info` is."""
    views = [Decoded(None, "no picture in these seconds" if info.has_video else "no video stream")] * len(wanted)
    seen = [place for place, one in enumerate(wanted) if one.info.has_video]
    if seen:
        asked = [wanted[place] for place in seen]
        grids = [_grid(one) for one in asked]
        frames = decode_frames(asked[0].segment, info, grids)
        for place, grid, decoded in zip(seen, grids, frames, strict=True):
            views[place] = _view(grid, decoded, wanted[place].info)
            decoded.clear()  # what was copied into a view is not held twice
    return views


def _grid(one: FramesWanted) -> AnyGrid:
    segment = one.segment
    if isinstance(one.need, FrameNeed):
        return grid_of(one.need, one.info, segment.span_s, segment.offset_s)
    return spread_grid(one.need, one.info, segment.span_s, segment.offset_s)


def _view(grid: AnyGrid, frames: GridFrames, info: VideoInfo) -> Decoded:
    return frame_view(grid, frames, info) if isinstance(grid, Grid) else spread_view(grid, frames, info)


def decode_frames(segment: Segment, info: VideoInfo, grids: Sequence[AnyGrid]) -> list[GridFrames]:
    """The frames of each grid. The file is read once, and each view is resized from the native frames.

    `segment`: any of the piece; `info`: of the whole file.
    """
    all_times_s = [grid.offset_s + grid.times_s for grid in grids]
    times_s = np.array(sorted(set(np.concatenate(all_times_s).tolist())), np.float64)
    grid_indices = [
        {int(at): grid.first + number for number, at in enumerate(np.searchsorted(times_s, wanted_s))}
        for grid, wanted_s in zip(grids, all_times_s, strict=True)
    ]
    frames_of_grids = [GridFrames(len(grid.times_s)) for grid in grids]
    settings_of_grids = [Resize.of(grid.need) for grid in grids]
    # The grid of a whole video begins with its first frame, those of clips with their own start.
    next_s = segment.offset_s + segment.span_s[1] + (0.0 if segment.clip_s else float(info.frame_times_s[0]))
    damaged: set[int] = set()
    next_s = next_s if next_s < info.end_s else np.inf
    for index, shown in _shown_frames(segment, info, times_s, next_s, damaged):
        resized: dict[Resize, NDArray[Any]] = {}
        for settings, indices, frames in zip(settings_of_grids, grid_indices, frames_of_grids, strict=True):
            if index in indices:
                if settings not in resized:
                    resized[settings] = resize_shown(shown, settings)
                frames.add(indices[index], resized[settings])
                frames.num_damaged += index in damaged
        del shown  # before the next one is made: one of 8K takes 100 MB
    return frames_of_grids


def _shown_frames(
    segment: Segment, info: VideoInfo, times_s: NDArray[np.float64], next_s: float, damaged: set[int]
) -> Iterator[tuple[int, ShownFrame]]:
    """As `shown_at`, which reads on from one time to the next; here it is sought anew where they lie far apart."""
    far = np.flatnonzero(np.diff(times_s) > FAR_S) + 1 if info.seekable else np.zeros(0, np.int64)
    for first, stop in itertools.pairwise([0, *far.tolist(), len(times_s)]):
        hurt: set[int] = set()
        for index, shown in shown_at(segment.path, times_s[first:stop], info, next_s, hurt, segment.is_retry):
            damaged.update(first + one for one in hurt)
            yield first + index, shown
            del shown


def frame_view(grid: Grid, frames: GridFrames, info: VideoInfo) -> Decoded:
    """The items of the grid from its decoded frames (grid index -> frame); incomplete items are dropped."""
    need = grid.need
    if not len(grid.starts):
        return Decoded(empty_frame_view(need))
    expected = len(grid.times_s)
    note = frames_note(len(frames), expected, frames.num_damaged, info)
    if not frames:
        return Decoded(None, note, failed=True)
    grid.repeat_ends(frames)
    complete = [int(start) for start in grid.starts if all(start + step in frames for step in range(need.window))]
    if not complete:
        return Decoded(None, note, failed=True)
    position = {index: number for number, index in enumerate(sorted(frames))}
    times_s = grid.times_of(np.array(complete, np.int64), info)
    starts = np.array([position[start] for start in complete], np.int64)
    view = FrameView(frames.in_order(), starts, need.window, times_s)
    return Decoded(view, note)
