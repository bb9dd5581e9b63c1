"""Runs extractors on a file, and compares with the reference outputs that lie beside some checkouts."""

from pathlib import Path

import numpy as np
import pytest

from extractors.base import FrameNeed
from extractors.extraction import views
from pipeline.media.video import probe
from pipeline.weights.files import WeightSource

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "extraction"
SEEDED = WeightSource(always_seeded=True)

with_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="the reference outputs are not part of the repository"
)


def seeded(module, **params):
    """The module's expert on stand-ins, loaded."""
    expert = module.Expert(module.Params(**params), SEEDED)
    expert.load("cpu")
    return expert


def items(expert, path, num_frames=None):
    """The items of the first segment of a video; only those of its first `num_frames`, for an extractor over frames."""
    info, need = probe(path), expert.need
    if not isinstance(need, FrameNeed) or num_frames is None:
        return expert.prepare(views.decode_views(views.Segment(path, "key", 0, ()), info, {need})[need].view)
    grid = views.grid_of(need, info, (0.0, num_frames / need.fps))
    grid = views.Grid(need, 0, grid.times_s[:num_frames], grid.starts[grid.starts + need.window <= num_frames])
    frames = views.decode_frames(views.Segment(path, "key", 0, ()), info, [grid])[0]
    return expert.prepare(views.frame_view(grid, frames, info).view)


def distance(found, name):
    """Relative L2 distance of features (N, ...) to the first N of a reference."""
    return relative_l2(found, np.load(REFERENCE / name)[: len(found)])


def relative_l2(found, expected):
    """L2 norm of the difference, in that of `expected`."""
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))
