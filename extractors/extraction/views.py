"""What each expert is shown of one segment of a video; runs in the decode workers.

A long video is taken in segments of SEGMENT_S, so that memory does not grow with its length. An item belongs to the
segment in which it starts, on a grid that is fixed for the whole video: what an expert sees never depends on where
the segments lie, nor on which other experts share the pass.
"""

import functools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors import registry
from extractors.base import AudioNeed, AudioView, FrameNeed, FrameView, Need, SubtitleNeed, View, WordView
from extractors.extraction.resize import Shape, cut_picture
from pipeline.errors import DecodeError, ExtractionError, PipelineError
from pipeline.media.audio import read_audio
from pipeline.media.subtitles import read_words
from pipeline.media.video import VideoInfo, frames_at, probe

SEGMENT_S = 32.0

EDGE_S = 1e-6
"""A grid point this close to the end of a video is not in it: floating-point times never meet exactly."""


@dataclass(frozen=True)
class Segment:
    """A job of the pass: one stretch of one video, for the experts that lack it."""

    path: Path
    key: str
    """Content of the video, the key of its rows."""
    index: int
    experts: tuple[registry.ExpertId, ...]
    decoder: str = "auto"


@dataclass(frozen=True)
class Prepared:
    """What one expert gets of a segment: N items for `embed`, or why there are none."""

    items: NDArray[Any]
    """(N, ...)"""
    times_s: NDArray[np.float64]
    """(N, 2)"""
    note: str = ""
    """What is missing, in words: no such stream, or a shortfall."""
    failed: bool = False
    """Nothing could be had for a reason that is a fault, not an absence."""


def num_segments(duration_s: float) -> int:
    """How many segments a video of this length has, at least 1."""
    return max(1, math.ceil(duration_s / SEGMENT_S - EDGE_S))


def prepare_segment(segment: Segment) -> dict[str, Prepared]:
    """For each expert of the segment its items; DecodeError when the file cannot be read at all."""
    info = _probed(segment.path)
    experts = {expert.name: registry.rebuild(expert) for expert in segment.experts}
    needs = {extractor.need for extractor in experts.values()}
    try:
        shown = _show(segment, info, needs)
    except (PipelineError, MemoryError, ImportError):
        raise
    except Exception as error:  # decoders have bugs of their own, which must cost this video only
        raise DecodeError(f"{type(error).__name__}: {error}") from error
    return {name: _prepare(extractor, shown[extractor.need]) for name, extractor in experts.items()}


@dataclass(frozen=True)
class _Shown:
    view: View | None
    note: str = ""
    failed: bool = False


@functools.lru_cache(maxsize=2)
def _probed(path: Path) -> VideoInfo:
    """The segments of a video come one after another: its packets are read once, not once a segment."""
    return probe(path)


def _prepare(extractor: Any, shown: _Shown) -> Prepared:
    if shown.view is None:
        return Prepared(np.zeros((0,)), np.zeros((0, 2)), shown.note, shown.failed)
    expected = len(shown.view.times_s)
    try:
        items = extractor.prepare(shown.view)
        if len(items) != expected:
            raise ExtractionError(f"{type(extractor).__module__}: prepare() gave {len(items)} items for {expected}")
    except (MemoryError, ImportError):
        raise  # a fault of the machine, not of this video
    except Exception as error:  # whatever one video does to one expert costs that row, and the row says why
        return Prepared(np.zeros((0,)), np.zeros((0, 2)), f"{type(error).__name__}: {error}", failed=True)
    return Prepared(items, shown.view.times_s, shown.note)


def _show(segment: Segment, info: VideoInfo, needs: set[Need]) -> dict[Need, _Shown]:
    frame_needs = sorted((need for need in needs if isinstance(need, FrameNeed)), key=repr)
    shown: dict[Need, _Shown] = {}
    shown.update(_show_frames(segment, info, frame_needs).items())
    for need in needs:
        if isinstance(need, AudioNeed):
            shown[need] = _show_audio(segment, info, need)
        elif isinstance(need, SubtitleNeed):
            shown[need] = _show_words(segment, info)
    return shown


def _span_s(segment: Segment) -> tuple[float, float]:
    return segment.index * SEGMENT_S, (segment.index + 1) * SEGMENT_S


@dataclass(frozen=True)
class _Grid:
    """Where the items of a frame need lie in one segment."""

    need: FrameNeed
    first: int
    """Grid index of the first frame."""
    times_s: NDArray[np.float64]
    """(F,) of the frames, from `first` on."""
    starts: NDArray[np.int64]
    """(N,) grid indices."""


def _grid(need: FrameNeed, info: VideoInfo, span_s: tuple[float, float]) -> _Grid:
    begin_s = float(info.frame_times_s[0])
    length = max(1, math.ceil((info.end_s - begin_s) * need.fps - EDGE_S))
    last_start = max(0, length - need.window)
    starts = np.arange(0, last_start + 1, need.stride, dtype=np.int64)
    starts_s = starts / need.fps
    starts = starts[(starts_s >= span_s[0] - EDGE_S) & (starts_s < span_s[1] - EDGE_S)]
    if not len(starts):
        return _Grid(need, 0, np.zeros(0), starts)
    frames = np.arange(starts[0], min(starts[-1] + need.window, length))
    return _Grid(need, int(starts[0]), begin_s + frames / need.fps, starts)


def _show_frames(segment: Segment, info: VideoInfo, needs: list[FrameNeed]) -> dict[FrameNeed, _Shown]:
    if not needs:
        return {}
    if not info.has_video:
        return dict.fromkeys(needs, _Shown(None, "no video stream"))
    grids = [_grid(need, info, _span_s(segment)) for need in needs]
    frames = _decode(segment, info, grids)
    return {grid.need: _cut_items(grid, got, info) for grid, got in zip(grids, frames, strict=True)}


def _decode(segment: Segment, info: VideoInfo, grids: list[_Grid]) -> list[dict[int, NDArray[np.uint8]]]:
    """Grid index -> frame, for each grid: the video is read once, and each view cut from the native frame."""
    times_s = np.unique(np.concatenate([grid.times_s for grid in grids]))
    wanted = [
        {int(at): grid.first + number for number, at in enumerate(np.searchsorted(times_s, grid.times_s))}
        for grid in grids
    ]
    got: list[dict[int, NDArray[np.uint8]]] = [{} for _ in grids]
    for index, native in frames_at(segment.path, times_s, info, segment.decoder):
        pictures: dict[Shape, NDArray[np.uint8]] = {}
        for grid, places, frames in zip(grids, wanted, got, strict=True):
            if index in places:
                shape = Shape.of(grid.need)
                if shape not in pictures:
                    pictures[shape] = cut_picture(native, shape)
                frames[places[index]] = pictures[shape]
    return got


def _cut_items(grid: _Grid, frames: dict[int, NDArray[np.uint8]], info: VideoInfo) -> _Shown:
    need = grid.need
    if not len(grid.starts):
        return _Shown(_no_frames(need))
    expected = len(grid.times_s)
    note = f"{len(frames)} of {expected} sampled frames decode" if len(frames) < expected else ""
    if not frames:
        return _Shown(None, note, failed=True)
    if expected < need.window:  # shorter than one window: its last frame stands still
        last = frames[max(frames)]
        frames |= {index: last for index in range(need.window) if index not in frames}
    whole = [int(start) for start in grid.starts if all(start + step in frames for step in range(need.window))]
    order = sorted(frames)
    place = {index: number for number, index in enumerate(order)}
    begin_s = float(info.frame_times_s[0])
    starts_s = begin_s + np.array(whole, np.float64) / need.fps
    times_s = np.stack([starts_s, np.minimum(starts_s + need.window / need.fps, info.end_s)], axis=1)
    if not whole:
        return _Shown(None, note, failed=True)
    starts = np.array([place[start] for start in whole], np.int64)
    return _Shown(
        FrameView(np.stack([frames[index] for index in order]), starts, need.window, times_s), note or info.note
    )


def _no_frames(need: FrameNeed) -> FrameView:
    return FrameView(np.zeros((0, 1, 1, 3), np.uint8), np.zeros(0, np.int64), need.window, np.zeros((0, 2)))


def _show_audio(segment: Segment, info: VideoInfo, need: AudioNeed) -> _Shown:
    if not info.has_audio:
        return _Shown(None, "no audio stream")
    start_s, stop_s = _span_s(segment)
    first = math.ceil(start_s / need.hop_s - EDGE_S)
    last = math.ceil(stop_s / need.hop_s - EDGE_S) - 1
    begin_s = first * need.hop_s
    try:
        stop_s = last * need.hop_s + need.window_s
        samples = read_audio(segment.path, need.rate_hz, begin_s, stop_s, need.resampler)
    except DecodeError as error:
        return _Shown(None, str(error), failed=True)
    window = round(need.window_s * need.rate_hz)
    starts = np.round(np.arange(last - first + 1) * need.hop_s * need.rate_hz).astype(np.int64)
    least = window // 2 if need.least_s is None else round(need.least_s * need.rate_hz)
    enough = starts + least <= len(samples)
    enough[:1] |= first == 0 and len(samples) > 0
    starts = starts[enough]
    padded = np.zeros(max(len(samples), int(starts[-1]) + window if len(starts) else 0), np.float32)
    padded[: len(samples)] = samples
    starts_s = begin_s + starts / need.rate_hz
    end_s = begin_s + len(samples) / need.rate_hz
    times_s = np.stack([starts_s, np.minimum(starts_s + need.window_s, end_s)], axis=1)
    return _Shown(AudioView(padded, need.rate_hz, starts, window, times_s))


def _show_words(segment: Segment, info: VideoInfo) -> _Shown:
    start_s, stop_s = _span_s(segment)
    try:
        # Subtitles may run on after the end of the video, as those of a longer cut do.
        words = [word for word in read_words(segment.path) if start_s <= word.start_s < min(stop_s, info.duration_s)]
    except DecodeError as error:
        return _Shown(None, str(error), failed=True)
    limit_s = info.duration_s
    times_s = np.array([(word.start_s, min(word.end_s, limit_s)) for word in words], np.float64)
    return _Shown(WordView(np.array([word.text for word in words], dtype=np.str_), times_s.reshape(-1, 2)))
