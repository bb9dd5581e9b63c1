import cv2
import numpy as np
import pytest

from extractors.frames.salient_region import PALETTE, find_regions, name_colours, smooth, to_lab


def clip(boxes, paint=(215, 30, 35), texture=20):
    """Frames of a textured muted wall, each with one box (left, top, width, height) of `paint`."""
    wall = np.random.default_rng(0).integers(110, 111 + texture, (120, 160, 3)).astype(np.uint8)
    frames = np.repeat(wall[None], len(boxes), axis=0)
    for frame, (left, top, width, height) in zip(frames, boxes, strict=True):
        frame[top : top + height, left : left + width] = paint
    return frames


def regions(frames):
    frames = smooth(frames)
    return find_regions(to_lab(frames), name_colours(frames))


@pytest.mark.parametrize("name", PALETTE)
def test_each_colour_of_the_palette_bears_its_own_name(name):
    assert list(PALETTE)[name_colours(np.array(PALETTE[name], np.uint8))] == name


def test_lab_is_that_of_scikit_image():
    from skimage.color import rgb2lab

    rgb = np.random.default_rng(0).integers(0, 256, (7, 5, 3)).astype(np.uint8)
    np.testing.assert_allclose(to_lab(rgb), rgb2lab(rgb), atol=0.3)  # OpenCV looks its powers up in a table


@pytest.mark.parametrize("paint", [(215, 30, 35), (250, 250, 250), (10, 10, 10), (30, 65, 215)])
def test_a_box_of_one_colour_is_found_where_it_is_still_or_moving(paint):
    for boxes in ([(40, 30, 36, 30)] * 4, [(20 + 30 * step, 30, 36, 30) for step in range(4)]):
        for region, (left, top, width, height) in zip(regions(clip(boxes, paint)), boxes, strict=True):
            expected = np.zeros((120, 160), np.bool_)
            expected[top : top + height, left : left + width] = True
            overlap = (region.mask & expected).sum() / (region.mask | expected).sum()
            assert overlap > 0.9


def test_of_two_boxes_the_one_that_moves_stands_out():
    frames = clip([(10 + 15 * step, 70, 30, 30) for step in range(6)], (30, 155, 50))
    frames[:, 10:50, 100:140] = (215, 30, 35)
    for step, region in enumerate(regions(frames)):
        assert region.mask[85, 25 + 15 * step]
        assert not region.mask[:60].any()


def test_holes_belong_to_the_region():
    frames = clip([(40, 30, 40, 40)] * 2)
    cv2.circle(frames[0], (60, 50), 8, (120, 120, 120), -1)
    assert regions(frames)[0].mask[50, 60]


@pytest.mark.parametrize("value", [0, 128, 255])
def test_nothing_stands_out_of_a_blank_picture(value):
    for region in regions(np.full((2, 120, 160, 3), value, np.uint8)):
        assert region.salience == 0
        assert not region.mask.any()
