"""Decodes one segment of a video, and prepares the items of each expert; runs in the decode workers.

A video is decoded in segments of SEGMENT_S, so that memory does not grow with its length. Items start on a grid that is
fixed for the whole video, and belong to the segment in which they start: they depend neither on the borders of the
segments nor on the other experts of the pass.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors import registry
from extractors.base import AudioNeed, Extractor, FrameNeed, FrameView, Need, SubtitleNeed, View
from extractors.extraction.audio_view import audio_view
from extractors.extraction.frame_grid import EDGE_S, Grid, GridFrames, grid_of
from extractors.extraction.resize import Resize, resize_frame
from extractors.extraction.subtitle_words import words_between
from pipeline.errors import ExtractionError, PipelineError, in_one_line
from pipeline.media.container import is_of_machine
from pipeline.media.video import PIECE_S, VideoInfo, frames_at, probe
from pipeline.remote_files.files import faults_raised

SEGMENT_S = PIECE_S


@dataclass(frozen=True)
class Segment:
    """A job of the decode workers: one segment of one video, for the experts that lack the video."""

    path: Path
    key: str
    """Content hash of the video, the key of its rows."""
    index: int
    experts: tuple[registry.ExpertId, ...]
    in_order: bool = False
    """Whether the file is read on from where the segment before it ended (see `VideoInfo.seekable`)."""
    is_retry: bool = False
    """Whether its worker hung or died the first time; its frames are then read by decord where that shows the same."""


@dataclass(frozen=True)
class Prepared:
    """The items of one expert in one segment, N for `embed`, or the reason why there are none."""

    items: NDArray[Any]
    """(N, ...)"""
    times_s: NDArray[np.float64]
    """(N, 2)"""
    note: str = ""
    """What is missing: a stream, or frames that do not decode."""
    failed: bool = False
    """There are no items because of an error, not because the video has none."""

    @classmethod
    def nothing(cls, note: str, failed: bool) -> "Prepared":
        """No items, for the reason in `note`."""
        return cls(np.zeros((0,)), np.zeros((0, 2)), note, failed)


def num_segments(duration_s: float) -> int:
    """Number of segments of a video of this length, at least 1."""
    return max(1, math.ceil(duration_s / SEGMENT_S - EDGE_S))


def prepare_segment(segment: Segment) -> dict[str, Prepared]:
    """Expert -> its items in the segment; DecodeError if the file cannot be read at all."""
    experts = {expert.name: registry.rebuild(expert) for expert in segment.experts}
    with faults_raised(segment.path):
        info = _cached_probe(segment.path)
        decoded = decode_views(segment, info, {extractor.need for extractor in experts.values()})
    return {name: _prepare(extractor, decoded[extractor.need]) for name, extractor in experts.items()}


@dataclass(frozen=True)
class Decoded:
    """The view for one need in one segment, or the reason why there is none; see `Prepared`."""

    view: View | None
    note: str = ""
    failed: bool = False


@functools.lru_cache(maxsize=2)
def _cached_probe(path: Path) -> VideoInfo:
    """As `probe`; the segments of a video follow one another, so that its packets are read once for all of them."""
    return probe(path, reads_on=True)


def _prepare(extractor: Extractor, decoded: Decoded) -> Prepared:
    if decoded.view is None:
        return Prepared.nothing(decoded.note, decoded.failed)
    expected = len(decoded.view.times_s)
    try:
        items = extractor.prepare(decoded.view)
        if len(items) != expected:
            raise ExtractionError(f"{type(extractor).__module__}: prepare() gave {len(items)} items for {expected}")
    except Exception as error:  # a video on which an expert fails costs that row only, and the row says why
        if is_of_machine(error):
            raise
        return Prepared.nothing(in_one_line(error), failed=True)
    return Prepared(items, decoded.view.times_s, decoded.note)


def decode_views(segment: Segment, info: VideoInfo, needs: set[Need]) -> dict[Need, Decoded]:
    """Need -> its view of the segment; the frames for all needs are decoded together.

    A fault in the frames, the sound or the words costs the needs that it meets, and is their note.
    """
    frame_needs = sorted((need for need in needs if isinstance(need, FrameNeed)), key=repr)
    decoded: dict[Need, Decoded] = {}
    try:
        decoded.update(_frame_views(segment, info, frame_needs).items())
    except Exception as error:  # of which need the fault is, shows each on its own: what it gets depends on no other
        if is_of_machine(error):
            raise
        decoded |= {need: _guarded(functools.partial(_frame_view_alone, segment, info, need)) for need in frame_needs}
    for need in needs:
        if isinstance(need, AudioNeed):
            decoded[need] = _guarded(functools.partial(_audio_view, segment, info, need))
        elif isinstance(need, SubtitleNeed):
            decoded[need] = _guarded(functools.partial(_word_view, segment, info, need))
    return decoded


def _guarded(view: Callable[[], Decoded]) -> Decoded:
    """What `view` returns, or its error as a failure with the reason."""
    try:
        return view()
    except PipelineError as error:
        return Decoded(None, str(error), failed=True)
    except Exception as error:  # a bug of a decoder must cost this need of this video only
        if is_of_machine(error):
            raise
        return Decoded(None, in_one_line(error), failed=True)


def _span_s(segment: Segment) -> tuple[float, float]:
    return segment.index * SEGMENT_S, (segment.index + 1) * SEGMENT_S


def _frame_views(segment: Segment, info: VideoInfo, needs: list[FrameNeed]) -> dict[FrameNeed, Decoded]:
    if not needs:
        return {}
    if not info.has_video:
        return dict.fromkeys(needs, Decoded(None, "no video stream"))
    grids = [grid_of(need, info, _span_s(segment)) for need in needs]
    frames = decode_frames(segment, info, grids)
    return {grid.need: frame_view(grid, decoded, info) for grid, decoded in zip(grids, frames, strict=True)}


def _frame_view_alone(segment: Segment, info: VideoInfo, need: FrameNeed) -> Decoded:
    return _frame_views(segment, info, [need])[need]


def decode_frames(segment: Segment, info: VideoInfo, grids: list[Grid]) -> list[GridFrames]:
    """The frames of each grid. The video is read once, and each view is resized from the native frames."""
    times_s = np.unique(np.concatenate([grid.times_s for grid in grids]))
    grid_indices = [
        {int(at): grid.first + number for number, at in enumerate(np.searchsorted(times_s, grid.times_s))}
        for grid in grids
    ]
    frames_of_grids = [GridFrames() for _ in grids]
    next_s = float(info.frame_times_s[0]) + _span_s(segment)[1]
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
    if expected < need.window:  # shorter than one window: padded with its last frame
        last = frames[max(frames)]
        frames |= {index: last for index in range(need.window) if index not in frames}
    complete = [int(start) for start in grid.starts if all(start + step in frames for step in range(need.window))]
    if not complete:
        return Decoded(None, note, failed=True)
    order = sorted(frames)
    position = {index: number for number, index in enumerate(order)}
    starts_s = float(info.frame_times_s[0]) + np.array(complete, np.float64) / need.fps
    times_s = np.stack([starts_s, np.minimum(starts_s + need.window / need.fps, info.end_s)], axis=1)
    starts = np.array([position[start] for start in complete], np.int64)
    view = FrameView(np.stack([frames[index] for index in order]), starts, need.window, times_s)
    return Decoded(view, note)


def empty_frame_view(need: FrameNeed) -> FrameView:
    """A view without items, as of a segment after the last frame."""
    return FrameView(np.zeros((0, 1, 1, 3), np.uint8), np.zeros(0, np.int64), need.window, np.zeros((0, 2)))


def _audio_view(segment: Segment, info: VideoInfo, need: AudioNeed) -> Decoded:
    if not info.has_audio:
        return Decoded(None, "no audio stream")
    view, note = audio_view(segment.path, need, _span_s(segment), info.seekable)
    return Decoded(view, note)


def _word_view(segment: Segment, info: VideoInfo, need: SubtitleNeed) -> Decoded:
    start_s, stop_s = _span_s(segment)
    view, note = words_between(segment.path, need.language, start_s, min(stop_s, info.duration_s), info.duration_s)
    return Decoded(view, note)
