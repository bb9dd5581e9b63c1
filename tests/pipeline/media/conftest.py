"""Clips that are made once for all tests of the media modules."""

import pytest

from tests.clips import make_clip
from tests.pipeline.media.sample_clips import KINDS


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kinds")
    return {name: make_clip(folder / name, **how) for name, how in KINDS.items()}


@pytest.fixture(scope="session")
def long_clip(tmp_path_factory):
    """20 seconds, keyframes 5 seconds apart: most reads need a seek."""
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    return make_clip(path, seconds=20, fps=10, size=(64, 48), sound=None, gop=50)
