from types import SimpleNamespace

import numpy as np

from extractors.base import Embedded, FrameNeed, FrameView
from extractors.frames.windows import FrameExtractor, WindowExtractor

FRAMES = np.arange(6, dtype=np.uint8)[:, None, None, None] + np.zeros((6, 2, 2, 3), np.uint8)
STARTS = np.array([0, 2, 4])
NO_STARTS = np.zeros(0, np.int64)


class Frames(FrameExtractor):
    version, dim = 1, 1

    def embed(self, items):
        return Embedded.one_per_item(items.mean(axis=(1, 2)))


class Windows(WindowExtractor):
    version, dim, need = 1, 1, FrameNeed(1.0, window=2)

    def embed(self, items):
        return Embedded.one_per_item(items.mean(axis=(1, 2, 3)))


def view(starts, window):
    return FrameView(FRAMES, starts, window, np.zeros((len(starts), 2)))


def test_an_extractor_over_frames_takes_the_rate_and_size_of_its_settings():
    assert Frames(SimpleNamespace(fps=2.0, short_px=64)).need == FrameNeed(2.0, 64)


def test_an_item_is_a_frame_or_a_window_of_frames():
    assert Frames(None).prepare(view(STARTS, 1))[:, 0, 0, 0].tolist() == [0, 2, 4]
    assert Windows(None).prepare(view(STARTS, 2))[:, :, 0, 0, 0].tolist() == [[0, 1], [2, 3], [4, 5]]


def test_no_items_keep_the_shape_of_a_frame():
    assert Frames(None).prepare(view(NO_STARTS, 1)).shape == (0, 2, 2, 3)
    assert Windows(None).prepare(view(NO_STARTS, 2)).shape == (0, 2, 2, 2, 3)
