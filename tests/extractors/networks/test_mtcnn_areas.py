import cv2
import numpy as np
import pytest
import torch

from extractors.networks import mtcnn, mtcnn_areas
from tests.devices import on_every_device
from tests.extractors.networks.test_mtcnn import original


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


@on_every_device
def test_the_table_of_sums_is_that_of_opencv(device):
    frames = noise(2, 37, 52, 3)
    sums = mtcnn_areas.sums_of(torch.from_numpy(frames).to(device)).cpu()
    for ours, frame in zip(sums, frames, strict=True):
        np.testing.assert_array_equal(ours.permute(1, 2, 0), cv2.integral(frame))


def test_sums_that_do_not_fit_into_32_bits_get_64():
    white = torch.full((1, 2100, 4100, 3), 255, dtype=torch.uint8)
    assert mtcnn_areas.sums_of(white)[0, :, -1, -1].tolist() == [255 * 2100 * 4100] * 3
    assert mtcnn_areas.sums_of(white[:, :100]).dtype == torch.int32


@on_every_device
@pytest.mark.parametrize("side", [24, 48])
def test_crops_of_all_frames_are_those_of_the_cpu_to_the_bit(device, side):
    frames = noise(3, 97, 131, 3)
    chance = np.random.default_rng(1)
    begin = chance.integers(0, 60, (20, 2))
    end, frame = begin + chance.integers(1, 37, (20, 2)), chance.integers(0, 3, 20)
    sums = mtcnn_areas.sums_of(torch.from_numpy(frames).to(device))
    crops = mtcnn_areas.crops(sums, side, *(torch.from_numpy(values).to(device) for values in (begin, end, frame)))
    for ours, box, index in zip(crops.cpu(), np.concatenate([begin, end], axis=1), frame, strict=True):
        expected = mtcnn._area_means(cv2.integral(frames[index]), box[None], side, side)
        np.testing.assert_array_equal(ours.permute(1, 2, 0), expected[0])


@on_every_device
def test_all_sizes_of_a_frame_are_those_of_the_cpu_to_the_bit(device):
    frames, frame_scales = noise(2, 97, 131, 3), (0.375, 0.26, 0.4)
    sizes = mtcnn_areas.sizes_of(97, 131, frame_scales, device)
    flat = mtcnn_areas.sums_of(torch.from_numpy(frames).to(device)).flatten(2)
    pixels = mtcnn_areas.means_of([flat[:, :, places] for places in sizes.corners], *sizes.areas).cpu()
    begin = 0
    for scale, (height, width) in zip(frame_scales, sizes.shapes, strict=True):
        assert (height, width) == (int(97 * scale + 1), int(131 * scale + 1))
        found = pixels[:, :, begin : begin + height * width].reshape(2, 3, height, width)
        for ours, frame in zip(found, frames, strict=True):
            expected = mtcnn._means(cv2.integral(frame), *mtcnn.frame_edges(97, 131, scale))
            np.testing.assert_array_equal(ours.permute(1, 2, 0), expected[0])
        begin += height * width
    assert begin == pixels.shape[2]


def test_there_is_a_cell_for_each_number_of_the_first_network():
    frame_scales = tuple(mtcnn.scales(97, 20, 0.709))
    sizes = mtcnn_areas.sizes_of(97, 131, frame_scales, "cpu")
    network = original().pnet
    numbers = [network(torch.zeros(1, 3, *shape))[1][0, 1].numel() for shape in sizes.shapes]
    assert np.bincount(sizes.which).tolist() == numbers
    assert len(sizes.boxes) == sum(numbers)
    # The second cell of the first row is two pixels of the smaller frame to the right, and covers twelve of them.
    np.testing.assert_array_equal(sizes.boxes[1], np.floor(np.float32([3, 1, 14, 12]) / np.float32(frame_scales[0])))


def test_boxes_are_cut_to_the_frame_and_those_beside_it_are_told_apart():
    limits = torch.tensor([200, 100])
    inside, left, above, right, over = (
        [10.7, 10, 30, 30.9], [-40, 5, -10, 30], [5, -40, 30, -10], [210, 5, 230, 30], [-5, 90, 20, 120],
    )  # fmt: skip
    boxes = torch.tensor([[*box, 1.0] for box in (inside, left, above, right, over)])
    begin, end, seen = mtcnn_areas.cut(boxes, limits)
    expected = mtcnn._cut(boxes.numpy(), np.zeros((101, 201, 3), np.int32))
    assert seen.tolist() == [True, False, False, False, True]
    np.testing.assert_array_equal(torch.cat([begin, end], dim=1)[seen], expected[seen.numpy()])
    assert ((begin >= 0) & (end > begin) & (end <= limits)).all()
