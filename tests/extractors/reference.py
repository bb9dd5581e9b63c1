"""Runs extractors on frames or on a file, and compares with reference outputs.

Those on made-up frames are in reference_data/; those on real videos lie beside some checkouts.
"""

from pathlib import Path

import numpy as np
import pytest

from extractors.base import FrameNeed, FrameView
from extractors.extraction import frame_grid, frame_views, segments, views
from extractors.extraction.resize import Resize, resize_frame
from pipeline.media.video import probe
from pipeline.weights.files import WeightSource

DATA = Path(__file__).parent / "reference_data"
REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "extraction"
SEEDED = WeightSource(always_seeded=True)

with_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="the reference outputs on real videos are not part of the repository"
)


def of_peer(name):
    """An array that video_features gives for `picture` or `wave`; see reference_data/README.md."""
    with np.load(DATA / "video_features.npz") as arrays:
        return arrays[name]


def picture(index, height, width):
    """Frame (H, W, 3) uint8 number `index` of those that the peer was shown: a moving pattern, in whole numbers."""
    y, x, channel = np.ogrid[:height, :width, :3]
    x, y = x + 2 * index, y + index
    return ((x * y // (16 + 4 * channel) + x * 3 + 64 * channel) % 256).astype(np.uint8)


def wave():
    """Two seconds of sound (S,) at 16 kHz that the peer was given: a rising sawtooth in four loudnesses."""
    t = np.arange(2 * 16000)
    return ((t * t // 400 % 2000 / 1000 - 1) * 0.5 * (t // 4000 % 4 + 1) / 4).astype(np.float32)


def items_of(expert, frames):
    """The items of an extractor over frames for all `frames`, native ones, at the rate that it asks for."""
    need = expert.need
    shown = np.stack([resize_frame(frame, Resize.of(need)) for frame in frames])
    starts = np.arange(0, len(shown) - need.window + 1, need.stride)
    times_s = np.stack([starts, starts + need.window], axis=1) / need.fps
    return expert.prepare(FrameView(shown, starts, need.window, times_s))


def seeded(module, **params):
    """The module's expert on stand-ins, loaded."""
    expert = module.Expert(module.Params(**params), SEEDED)
    expert.load("cpu")
    return expert


def items(expert, path, num_frames=None):
    """The items of the first segment of a video; only those of its first `num_frames`, for an extractor over frames."""
    info, need = probe(path), expert.need
    if not isinstance(need, FrameNeed) or num_frames is None:
        return expert.prepare(views.decode_views(segments.Segment(path, "key", 0, ()), info, {need})[need].view)
    grid = frame_grid.grid_of(need, info, (0.0, num_frames / need.fps))
    grid = frame_grid.Grid(need, 0, grid.times_s[:num_frames], grid.starts[grid.starts + need.window <= num_frames])
    frames = frame_views.decode_frames(segments.Segment(path, "key", 0, ()), info, [grid])[0]
    return expert.prepare(frame_views.frame_view(grid, frames, info).view)


def distance(found, name):
    """Relative L2 distance of features (N, ...) to the first N of a reference."""
    return relative_l2(found, np.load(REFERENCE / name)[: len(found)])


def relative_l2(found, expected):
    """L2 norm of the difference, in that of `expected`."""
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))
