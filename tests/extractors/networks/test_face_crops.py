import numpy as np
import pytest
import torch
from facenet_pytorch import extract_face
from skimage import data

from extractors.networks.face_crops import corners_of, crops, parts_of_pixels
from tests.devices import on_every_device

HEIGHT, WIDTH = 480, 512


def random_boxes(num):
    """Upright, flat and square boxes of 20 to 400 px, some beyond the frame, some of sides that go well into 160 px."""
    chance = np.random.default_rng(0)
    sides = chance.uniform(20, 400, (num, 2))
    sides[::3, 1] = sides[::3, 0] * 1.3
    sides[::4] = chance.choice([40.0, 52.0, 80.0, 104.0, 148.0, 160.0, 240.0, 320.0], (len(sides[::4]), 1)) + 0.01
    begin = chance.uniform(-20, (WIDTH, HEIGHT) - sides / 2)
    return np.concatenate([begin, begin + sides], axis=1).astype(np.float32), chance.integers(0, 2, num)


@on_every_device
@pytest.mark.parametrize("margin_px", [0, 20])
def test_a_crop_is_the_one_of_facenet_but_for_rounding(device, margin_px):
    chance = np.random.default_rng(1)
    frames = np.stack([data.astronaut()[:HEIGHT], chance.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)])
    boxes, index = random_boxes(150)
    parts = parts_of_pixels(corners_of(boxes, (HEIGHT, WIDTH), 160, margin_px), 160)
    given = (torch.from_numpy(values).to(device) for values in (frames, index, *parts))
    found = crops(*given).cpu().numpy()
    pairs = zip(index, boxes, strict=True)
    expected = np.stack([extract_face(frames[at], box, 160, margin_px).numpy() for at, box in pairs])
    assert np.abs(found - expected).max() <= 1
    assert np.abs(found - expected).mean() < 0.06


def test_the_corners_are_whole_and_inside_the_frame():
    boxes = np.array([[-3.5, 10.9, 30.2, 50.9], [500.2, 470.0, 530.0, 490.0]], np.float32)
    assert corners_of(boxes, (HEIGHT, WIDTH), 160, 0).tolist() == [[0, 10, 30, 50], [500, 470, 512, 480]]


def test_what_lies_beside_the_frame_has_one_pixel_at_its_edge():
    boxes = np.array([[-30.0, -20.0, -5.0, -2.0], [520.0, 490.0, 540.0, 500.0]], np.float32)
    corners = corners_of(boxes, (HEIGHT, WIDTH), 160, 0)
    assert corners.tolist() == [[0, 0, 1, 1], [511, 479, 512, 480]]
    frames = torch.from_numpy(data.astronaut()[None, :HEIGHT])
    found = crops(frames, torch.tensor([0, 0]), *map(torch.from_numpy, parts_of_pixels(corners, 160)))
    for crop, pixel in zip(found, (frames[0, 0, 0], frames[0, 479, 511]), strict=True):
        assert (crop == pixel[:, None, None]).all()


def test_the_parts_of_a_pixel_make_one():
    boxes, _ = random_boxes(60)
    _, weights = parts_of_pixels(corners_of(boxes, (HEIGHT, WIDTH), 160, 0), 160)
    np.testing.assert_allclose(weights.sum(axis=3), 1, atol=1e-5)
