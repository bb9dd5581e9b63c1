"""Puts frames, sound and words of a segment together for experts that ask for several of them."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from extractors.extraction.decoded import Decoded
from extractors.extraction.frame_grid import EDGE_S
from extractors.shown.needs import AudioNeed, JointNeed, SubtitleNeed
from extractors.shown.shown_views import AudioView, FrameView, JointView, WordView

Span = tuple[float, float]

SAME_S = 1e-3
"""A word that begins this much before an item begins with it: containers round to a millisecond."""


def joint_view(
    need: JointNeed,
    frames: Decoded,
    hear: Callable[[AudioNeed, Span], Decoded],
    read: Callable[[SubtitleNeed, Span], Decoded],
) -> Decoded:
    """The view of the frames together with what `hear` and `read` give for a span of the video.

    Without frames there is none, for their reason. Sound or words that a video has not are left out, with a note; those
    that cannot be read make a failure of the whole.
    """
    if not isinstance(frames.view, FrameView):
        return frames
    times_s = frames.view.times_s
    nothing = Decoded(None)
    sound = hear(need.sound, _sound_span(need.sound, times_s)) if need.sound and len(times_s) else nothing
    words = (
        read(need.words, (float(times_s[0, 0]), float(times_s[:, 1].max()))) if need.words and len(times_s) else nothing
    )
    for part in (sound, words):
        if part.failed:
            return part
    heard = sound.view if isinstance(sound.view, AudioView) else None
    seen_words = words.view if isinstance(words.view, WordView) else None
    view = JointView(
        frames.view,
        heard,
        _sound_items(need.sound, heard, times_s),
        seen_words,
        _word_spans(seen_words, times_s),
    )
    return Decoded(view, "; ".join(filter(None, (frames.note, sound.note, words.note))))


def _window_of(need: AudioNeed, at_s: float) -> int:
    """The number of the window that goes on at a time."""
    return math.floor(at_s / need.hop_s + EDGE_S)


def _sound_span(need: AudioNeed, times_s: NDArray[np.float64]) -> Span:
    """The span in which the windows of the items begin."""
    first, last = (_window_of(need, float(at_s)) for at_s in (times_s[0, 0], times_s[-1, 0]))
    return first * need.hop_s, (last + 1) * need.hop_s


def _sound_items(need: AudioNeed | None, sound: AudioView | None, times_s: NDArray[np.float64]) -> NDArray[np.int64]:
    if need is None or sound is None:
        return np.full(len(times_s), -1, np.int64)
    at = {_window_of(need, float(start_s)): index for index, start_s in enumerate(sound.times_s[:, 0])}
    return np.array([at.get(_window_of(need, float(start_s)), -1) for start_s in times_s[:, 0]], np.int64)


def _word_spans(words: WordView | None, times_s: NDArray[np.float64]) -> NDArray[np.int64]:
    if words is None:
        return np.zeros((len(times_s), 2), np.int64)
    return np.searchsorted(words.times_s[:, 0], times_s - SAME_S).astype(np.int64)
