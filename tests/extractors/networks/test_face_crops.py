import numpy as np
import pytest
import torch
from facenet_pytorch import extract_face
from skimage import data

from extractors.networks.face_crops import corners_of, crops
from tests.devices import on_every_device

HEIGHT, WIDTH = 480, 512


def random_boxes(num):
    """Upright, flat and square boxes of 20 to 400 px, some beyond the frame, some of sides that go well into 160 px."""
    chance = np.random.default_rng(0)
    sides = chance.uniform(20, 400, (num, 2))
    sides[::3, 1] = sides[::3, 0] * 1.3
    sides[::4] = chance.choice([40.0, 52.0, 80.0, 104.0, 148.0, 160.0, 240.0, 320.0], (len(sides[::4]), 1)) + 0.01
    begin = chance.uniform(-20, (WIDTH, HEIGHT) - sides / 2)
    begin[:2], sides[:2] = 20, ((100, 316), (465, 40))  # Where OpenCV's float32 decides which pixel is taken.
    return np.concatenate([begin, begin + sides], axis=1).astype(np.float32), 1 - np.arange(num) % 3 // 2


@on_every_device
@pytest.mark.parametrize("margin_px", [0, 20])
def test_a_crop_is_the_one_of_facenet(device, margin_px):
    chance = np.random.default_rng(1)
    frames = np.stack([data.astronaut()[:HEIGHT], chance.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)])
    boxes, index = random_boxes(150)
    corners = corners_of(boxes, (HEIGHT, WIDTH), 160, margin_px)
    found = crops(torch.from_numpy(frames).to(device), index, corners, 160).cpu().numpy()
    pairs = zip(index, boxes, strict=True)
    expected = np.stack([extract_face(frames[at], box, 160, margin_px).numpy() for at, box in pairs])
    grows = (corners[:, 2:] - corners[:, :2] < 160).any(axis=1)
    assert 50 < grows.sum() < 140
    np.testing.assert_array_equal(found[grows], expected[grows])
    differs = np.abs(found - expected)[~grows]
    assert differs.max() <= 1
    assert differs.mean() < 0.01


def test_the_corners_are_whole_and_inside_the_frame():
    boxes = np.array([[-3.5, 10.9, 30.2, 50.9], [500.2, 470.0, 530.0, 490.0]], np.float32)
    assert corners_of(boxes, (HEIGHT, WIDTH), 160, 0).tolist() == [[0, 10, 30, 50], [500, 470, 512, 480]]


def test_what_lies_beside_the_frame_has_one_pixel_at_its_edge():
    boxes = np.array([[-30.0, -20.0, -5.0, -2.0], [520.0, 490.0, 540.0, 500.0]], np.float32)
    corners = corners_of(boxes, (HEIGHT, WIDTH), 160, 0)
    assert corners.tolist() == [[0, 0, 1, 1], [511, 479, 512, 480]]
    frames = torch.from_numpy(data.astronaut()[None, :HEIGHT])
    found = crops(frames, np.array([0, 0]), corners, 160)
    for crop, pixel in zip(found, (frames[0, 0, 0], frames[0, 479, 511]), strict=True):
        assert (crop == pixel[:, None, None]).all()
