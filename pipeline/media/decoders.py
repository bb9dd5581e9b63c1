"""Reads frames at given times, decoding no more than these need."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.media import left_open
from pipeline.media.cursor import LOOKAHEAD, SLACK_S, Cursor, Shot
from pipeline.media.info import VideoInfo
from pipeline.media.picture import Painter

SEEK_FROM_S = 2.0
"""Seek only when the first wanted frame is later than this: decoding two seconds is as cheap as a seek."""

SPARSE = 8.0
"""From so many frames to one that is wanted on, those are left out of which no other depends (`Cursor.want_only`)."""

SPARSE_TOLD = 1.5
"""As SPARSE, where packets tell the times of their own frames, so that no neighbours are needed."""

TimedFrame = tuple[int, NDArray[np.uint8]]
"""(index into the wanted times, (H, W, 3) uint8 RGB)"""


class Span(NamedTuple):
    """What is wanted of a file."""

    times_s: NDArray[np.float64]
    """(N,) rising, not empty."""
    shown_s: NDArray[np.float64] | None = None
    """(N,) presentation times of the frames that are shown then; None when they are not known for certain."""
    last_s: float = 0.0
    """Presentation time of the file's last frame."""
    needed_s: NDArray[np.float64] | None = None
    """Rising times of these frames, and of their neighbours where they may have changed their times with them."""
    is_sparse: bool = False
    """Whether it pays to leave out unwanted frames."""

    @classmethod
    def of(cls, times_s: NDArray[np.float64], info: VideoInfo | None) -> "Span":
        """The span of a file of these properties; without them nothing is known of its frames."""
        if info is None or not info.has_video:
            return cls(times_s)
        starts_s = info.frame_times_s
        if info.note:  # of a damaged file nothing is left out, as its decoder makes up what is lost from anything
            return cls(times_s, last_s=float(starts_s[-1]))
        shown = np.maximum(np.searchsorted(starts_s, times_s + SLACK_S / 2, side="right") - 1, 0)
        sparse, reach = (SPARSE_TOLD, 0) if info.tells_times else (SPARSE, LOOKAHEAD)
        is_sparse = shown[-1] - shown[0] + 1 >= sparse * len(times_s) and not info.comes_in_order
        near = np.unique(shown[:, None] + np.arange(-reach, reach + 1))
        needed_s = starts_s[near[(near >= 0) & (near < len(starts_s))]]
        return cls(times_s, starts_s[shown], float(starts_s[-1]), needed_s, bool(is_sparse))


class _NotHereError(Exception):
    """A wanted frame does not come by this way of reading."""


def pyav_frames(
    path: Path,
    times_s: NDArray[np.float64],
    info: VideoInfo | None = None,
    next_s: float = np.inf,
    damaged: set[int] | None = None,
) -> Iterator[TimedFrame]:
    """For each of the rising `times_s` the frame shown then, native size, as a player shows it; see `pyav_shots`."""
    for indices, shot, painter in pyav_shots(path, times_s, info, next_s, damaged):
        pixels = painter.rgb(shot.frame)
        yield from ((index, pixels) for index in indices)
        del pixels  # before the next one is made: one of 8K takes 100 MB


def pyav_shots(
    path: Path,
    times_s: NDArray[np.float64],
    info: VideoInfo | None = None,
    next_s: float = np.inf,
    damaged: set[int] | None = None,
) -> Iterator[tuple[range, Shot, Painter]]:
    """The frames that are shown at the rising `times_s`, each with the indices of its times and who paints it.

    Frames that cannot be decoded are left out; the indices of those that were decoded with errors are added to
    `damaged`. The frames depend on nothing but the file and the times, not even on which others are wanted. A file that
    cannot be sought is read on from where the last call ended; `next_s` tells from when on the next one will ask.
    """
    span = Span.of(times_s, info)
    done = 0
    for way in _ways(span, info):
        try:
            for indices, shot, painter in _read(path, span, info, next_s, way):
                new = range(max(done, indices.start), indices.stop)
                if not new:
                    continue
                if damaged is not None and shot.frame.is_corrupt:
                    damaged.update(new)
                yield new, shot, painter
                done = new.stop
            return
        except _NotHereError:
            continue


class _Way(NamedTuple):
    """A way to read a span."""

    is_sought: bool
    skips: bool
    """Whether unwanted frames are left out."""


def _read(
    path: Path, span: Span, info: VideoInfo | None, next_s: float, way: _Way
) -> Iterator[tuple[range, Shot, Painter]]:
    """The shots of the span with the indices of the times at which they are shown; _NotHereError if one is missing."""
    with _sought(path, span, info) if way.is_sought else _in_order(path, span, info, next_s) as cursor:
        cursor.skips = way.skips and cursor.skips
        cursor.want_only(span.needed_s if cursor.skips else None)
        num_shown = 0
        for indices, shot in _shown(cursor, span, way.is_sought):
            # Errors are concealed with whatever was decoded before: nothing may have been left out then.
            if cursor.skips and (cursor.is_damaged or not _is_exact(span, indices, shot)):
                raise _NotHereError
            yield indices, shot, cursor.painter
            num_shown = indices.stop
        if cursor.skips and (cursor.is_damaged or num_shown < len(span.times_s)):
            raise _NotHereError


def _ways(span: Span, info: VideoInfo | None) -> list[_Way]:
    """The ways to read a span, the cheapest first.

    Where one gives the very frame that is wanted, so do the others; where it does not, the next one is taken.
    """
    sought = [_Way(True, True), _Way(True, False)] if span.is_sparse else [_Way(True, False)]
    # In order always as if few were wanted: what one span left out must not be missed by the next one.
    in_order = [_Way(False, False)] if span.shown_s is None else [_Way(False, True), _Way(False, False)]
    return [*sought, *in_order] if info is None or info.seekable else in_order


def _is_exact(span: Span, indices: range, shot: Shot) -> bool:
    """Whether the shot is the frame that the packets promise for these times: in between one may have been left out."""
    assert span.shown_s is not None
    return bool(np.all(np.abs(span.shown_s[indices.start : indices.stop] - shot.time_s) < SLACK_S))


def _shown(cursor: Cursor, span: Span, is_sought: bool) -> Iterator[tuple[range, Shot]]:
    """The shots that are shown at the times of the span, with the indices of these times.

    _NotHereError when the seek landed too late, as in AVI files without an index, or on nothing.
    """
    times_s = span.times_s
    current: Shot | None = None
    next_index = 0
    for shot in cursor:
        if current is None and is_sought and times_s[0] > SEEK_FROM_S and shot.time_s > times_s[0] + SLACK_S:
            raise _NotHereError
        # When the first frame comes after the first wanted time, it stands for that time too.
        ready = int(np.searchsorted(times_s, shot.time_s - SLACK_S / 2)) if current is not None else next_index
        if current is not None and ready > next_index:
            yield range(next_index, ready), current
        next_index, current = max(next_index, ready), shot
        if next_index == len(times_s):
            return
    if current is None and is_sought:
        raise _NotHereError  # as in an MPEG-TS, sought beyond its only key frame
    if current is not None:
        # The last frame stays on screen. When it did not decode, the last decoded one counts for two frames' time.
        is_last = current.time_s >= span.last_s - SLACK_S
        covered_s = np.inf if is_last else current.time_s + 2 * cursor.frame_s
        until = int(np.searchsorted(times_s, covered_s, side="right"))
        if until > next_index:
            yield range(next_index, until), current


@contextmanager
def _sought(path: Path, span: Span, info: VideoInfo | None) -> Iterator[Cursor]:
    """Context with a cursor before the span."""
    first_s = float(span.times_s[0])
    from_s = first_s if first_s > SEEK_FROM_S else 0.0
    cursor = left_open.take_unread(path) if from_s == 0.0 else None
    with cursor or _opened(path, from_s, info) as cursor:
        yield cursor


@contextmanager
def _in_order(path: Path, span: Span, info: VideoInfo | None, next_s: float) -> Iterator[Cursor]:
    """Context with a cursor that has come no further than the span, and has left out none of its frames.

    Afterwards it is left open where the next span, from `next_s` on, can be read on from there.
    """
    file = left_open.file_at(path)
    cursor = left_open.take(path)
    if cursor is not None and (info is None or cursor.has_passed(float(span.times_s[0]))):
        cursor.close()
        cursor = None
    cursor = cursor or _opened(path, 0.0, info)
    cursor.keep_from(next_s)
    is_whole = False
    try:
        yield cursor
        cursor.step_back()
        is_whole = bool(np.isfinite(next_s))
    finally:
        if is_whole and file:
            left_open.leave(file, cursor)
        else:
            cursor.close()


def _opened(path: Path, from_s: float, info: VideoInfo | None) -> Cursor:
    return Cursor(path, from_s, info.display, info.comes_in_order) if info else Cursor(path, from_s)
