"""Cuts the sound of a segment into the items that an expert needs."""

import math
from pathlib import Path

import numpy as np

from extractors.extraction.frame_grid import EDGE_S
from extractors.shown.needs import AudioNeed
from extractors.shown.shown_views import AudioView
from pipeline.media.audio import read_sound


def audio_view(
    path: Path,
    need: AudioNeed,
    span_s: tuple[float, float],
    seek: bool = True,
    clip_s: tuple[float, ...] = (),
) -> tuple[AudioView, str]:
    """The items that start within `span_s`, and what is wrong with the sound, in words.

    Items start on a grid of `hop_s` that is fixed for the whole video. There are none after the end of the sound.
    `seek` says whether the file may be sought; `clip_s`: start and end of the clip at whose start all times begin, and
    outside of which nothing is heard. DecodeError when nothing of the sound decodes.
    """
    offset_s, length_s = (clip_s[0], clip_s[1] - clip_s[0]) if clip_s else (0.0, np.inf)
    first = max(0, math.ceil(span_s[0] / need.hop_s - EDGE_S))
    last = math.ceil(span_s[1] / need.hop_s - EDGE_S) - 1
    begin_s, until_s = first * need.hop_s, min(last * need.hop_s + need.window_s, length_s)
    window = round(need.window_s * need.rate_hz)
    if clip_s and until_s <= begin_s:
        return AudioView(np.zeros(0, np.float32), need.rate_hz, np.zeros(0, np.int64), window, np.zeros((0, 2))), ""
    sound = read_sound(path, need.rate_hz, offset_s + begin_s, offset_s + until_s, need.resampler, seek)
    samples = sound.samples
    starts = np.round(np.arange(last - first + 1) * need.hop_s * need.rate_hz).astype(np.int64)
    min_samples = window // 2 if need.least_s is None else round(need.least_s * need.rate_hz)
    kept = starts + min_samples <= len(samples)
    kept[:1] |= first == 0 and len(samples) > 0
    starts = starts[kept]
    padded = np.zeros(max(len(samples), int(starts[-1]) + window if len(starts) else 0), np.float32)
    padded[: len(samples)] = samples
    starts_s = begin_s + starts / need.rate_hz
    end_s = begin_s + len(samples) / need.rate_hz
    times_s = np.stack([starts_s, np.minimum(starts_s + need.window_s, end_s)], axis=1)
    return AudioView(padded, need.rate_hz, starts, window, times_s), sound.note
