"""Decodes the frames of a piece of a file for all grids at once, and makes the view of each of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from extractors.base import FrameNeed, FrameView, View
from extractors.extraction.frame_grid import Grid, GridFrames, grid_of
from extractors.extraction.resize import Resize, resize_frame
from extractors.extraction.segments import Segment
from pipeline.media.video import VideoInfo, frames_at


@dataclass(frozen=True)
class Decoded:
    """The view for one need in one segment, or the reason why there is none; see `Prepared`."""

    view: View | None
    note: str = ""
    failed: bool = False


class FramesWanted(NamedTuple):
    """Frames that a segment of a piece needs."""

    place: int
    """Of the segment in the piece."""
    segment: Segment
    need: FrameNeed
    info: VideoInfo
    """Of the video or clip."""


def frame_views(wanted: Sequence[FramesWanted], info: VideoInfo) -> list[Decoded]:
    """The view for each that is wanted, in one reading of the file, of which `info` is."""
    views = [Decoded(None, "no picture in these seconds" if info.has_video else "no video stream")] * len(wanted)
    seen = [place for place, one in enumerate(wanted) if one.info.has_video]
    if seen:
        asked = [wanted[place] for place in seen]
        grids = [grid_of(one.need, one.info, one.segment.span_s, one.segment.offset_s) for one in asked]
        frames = decode_frames(asked[0].segment, info, grids)
        for place, grid, decoded in zip(seen, grids, frames, strict=True):
            views[place] = frame_view(grid, decoded, wanted[place].info)
            decoded.clear()  # what was copied into a view is not held twice
    return views


def decode_frames(segment: Segment, info: VideoInfo, grids: list[Grid]) -> list[GridFrames]:
    """The frames of each grid. The file is read once, and each view is resized from the native frames.

    `segment`: any of the piece; `info`: of the whole file.
    """
    all_times_s = [grid.offset_s + grid.times_s for grid in grids]
    times_s = np.unique(np.concatenate(all_times_s))
    grid_indices = [
        {int(at): grid.first + number for number, at in enumerate(np.searchsorted(times_s, wanted_s))}
        for grid, wanted_s in zip(grids, all_times_s, strict=True)
    ]
    frames_of_grids = [GridFrames() for _ in grids]
    # The grid of a whole video begins with its first frame, those of clips with their own start.
    next_s = segment.offset_s + segment.span_s[1] + (0.0 if segment.clip_s else float(info.frame_times_s[0]))
    damaged: set[int] = set()
    next_s = next_s if next_s < info.end_s else np.inf
    for index, native in frames_at(segment.path, times_s, info, next_s, damaged, segment.is_retry):
        resized: dict[Resize, NDArray[Any]] = {}
        for grid, indices, frames in zip(grids, grid_indices, frames_of_grids, strict=True):
            if index in indices:
                settings = Resize.of(grid.need)
                if settings not in resized:
                    resized[settings] = resize_frame(native, settings)
                frames[indices[index]] = resized[settings]
                frames.num_damaged += index in damaged
        del native  # before the next one is made: one of 8K takes 100 MB
    return frames_of_grids


def frame_view(grid: Grid, frames: GridFrames, info: VideoInfo) -> Decoded:
    """The items of the grid from its decoded frames (grid index -> frame); incomplete items are dropped."""
    need = grid.need
    if not len(grid.starts):
        return Decoded(empty_frame_view(need))
    expected = len(grid.times_s)
    shortfall = f"{len(frames)} of {expected} sampled frames decode" if len(frames) < expected else ""
    damage = f"{frames.num_damaged} of {expected} sampled frames are damaged" if frames.num_damaged else ""
    note = "; ".join(filter(None, [shortfall, damage, info.note]))
    if not frames:
        return Decoded(None, note, failed=True)
    grid.repeat_ends(frames)
    complete = [int(start) for start in grid.starts if all(start + step in frames for step in range(need.window))]
    if not complete:
        return Decoded(None, note, failed=True)
    order = sorted(frames)
    position = {index: number for number, index in enumerate(order)}
    times_s = grid.times_of(np.array(complete, np.int64), info)
    starts = np.array([position[start] for start in complete], np.int64)
    view = FrameView(np.stack([frames[index] for index in order]), starts, need.window, times_s)
    return Decoded(view, note)


def empty_frame_view(need: FrameNeed) -> FrameView:
    """A view without items, as of a segment after the last frame."""
    return FrameView(np.zeros((0, 1, 1, 3), np.uint8), np.zeros(0, np.int64), need.window, np.zeros((0, 2)))
