import cv2
import numpy as np
import pytest
from scipy.ndimage import binary_fill_holes, label

from extractors.frames import salient_region
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


@pytest.mark.parametrize("seed", range(6))
def test_the_region_is_the_one_whose_salience_by_the_whole_frame_is_highest(seed):
    """As the product of its factors defines it, over all pixels of the frame, for every part of one colour."""
    chance = np.random.default_rng(seed)
    frames = cv2.resize(chance.integers(0, 256, (6, 8, 9), np.uint8), (96, 72), interpolation=cv2.INTER_NEAREST)
    frames = np.moveaxis(frames.reshape(72, 96, 3, 3), 2, 0).copy()
    lab, names = to_lab(frames), name_colours(frames)
    moved = np.linalg.norm(lab - np.median(lab, axis=0), axis=-1) > 12
    for frame, region in enumerate(find_regions(lab, names)):
        parts = uniform_parts(names[frame])
        saliences = [whole_frame_salience(part, lab[frame], moved[frame]) for part in parts]
        assert len(parts) > 5
        assert region.salience == max(saliences) > 0
        np.testing.assert_array_equal(region.mask, parts[int(np.argmax(saliences))])


def test_a_large_picture_has_more_parts_than_sixteen_bits_can_number():
    """Every pixel of a checkerboard is a part of its own; the box on it comes after 66,000 of them."""
    rows, columns = np.indices((260, 280))
    names = ((rows + columns) % 2).astype(np.uint8)
    names[238:258, 100:160] = 5
    (part,) = salient_region._uniform_parts(names)
    assert (part.left, part.top, part.mask.shape, part.order[0]) == (100, 238, (20, 60), 5)
    assert part.order[1] > 2**16


def uniform_parts(names):
    """Parts of one colour name that touch along edges, with their holes, by colour and then by their first pixel."""
    parts = []
    for name in np.unique(names):
        labels, count = label(names == name, structure=[[0, 1, 0], [1, 1, 1], [0, 1, 0]])
        alone = [labels == number for number in range(1, count + 1)]
        parts += [binary_fill_holes(part) for part in alone if part.sum() >= 0.004 * names.size]
    return parts


def whole_frame_salience(mask, lab, moved):
    def dilated(side):
        return cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8)) > 0

    ring = dilated(9) & ~dilated(5)
    if not ring.any():
        return 0.0
    colour = np.median(lab[mask], axis=0)
    contrast = min(float(np.linalg.norm(colour - np.median(lab[ring], axis=0))) / 60, 1)
    uniform = float((np.linalg.norm(lab[mask] - colour, axis=1) < 12).mean())
    border = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]]).mean()
    size = min(float(mask.mean()) / 0.05, 1)
    return float(size**0.5 * contrast * uniform**2 * (0.2 + 0.8 * moved[mask].mean()) * (1 - border) ** 4)
