import numpy as np
import pytest
from PIL import Image

from extractors.base import FrameNeed
from extractors.extraction.resize import Resize, resize_frame

FRAME = np.random.default_rng(0).integers(0, 256, (120, 170, 3)).astype(np.uint8)


def cut(frame=FRAME, **need):
    return resize_frame(frame, Resize.of(FrameNeed(1.0, **need)))


@pytest.mark.parametrize("how", ["bilinear", "bicubic"])
def test_pillow_resizes_as_networks_were_trained(how):
    resample = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}[how]
    expected = np.asarray(Image.fromarray(FRAME).resize((90, 64), resample))  # 64 * 170 / 120 = 90.67, cut off
    np.testing.assert_array_equal(cut(short_px=64, resize=how), expected)
    np.testing.assert_array_equal(cut(short_px=64, resize=how, crop_px=50), expected[7:57, 20:70])


def test_a_tall_frame_keeps_its_aspect_too():
    assert cut(FRAME.transpose(1, 0, 2), short_px=64, resize="bilinear").shape == (90, 64, 3)
    assert cut(FRAME.transpose(1, 0, 2), short_px=64).shape == (91, 64, 3)


def test_a_squashed_frame_is_square_and_whole():
    assert cut(short_px=48, squash=True, resize="bilinear").shape == (48, 48, 3)


def test_a_frame_of_the_right_size_is_left_as_it_is():
    np.testing.assert_array_equal(cut(short_px=120), FRAME)
    np.testing.assert_array_equal(cut(), FRAME)
