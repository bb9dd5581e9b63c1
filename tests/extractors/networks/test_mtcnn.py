import cv2
import numpy as np
import pytest
import torch
from facenet_pytorch import MTCNN
from skimage import data
from torch.nn.functional import interpolate

from extractors.networks import mtcnn
from extractors.networks.mtcnn import Detector


def original(min_face_px=32):
    return MTCNN(keep_all=True, select_largest=False, min_face_size=min_face_px)


@pytest.fixture(scope="module")
def detector():
    return Detector(original())


def crowd(seed, height=240, width=320):
    """A wall of soft colours with heads of skimage's astronaut in several sizes, some beyond the edge."""
    chance = np.random.default_rng(seed)
    coarse = chance.integers(60, 200, (height // 20, width // 20, 3), np.uint8)
    picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    for side in (60, 90, 140):
        head = cv2.resize(np.ascontiguousarray(data.astronaut()[0:220, 120:340]), (side, side))
        left, top = int(chance.integers(-side // 3, width - side // 2)), int(chance.integers(-side // 3, height // 2))
        shown = picture[max(0, top) : top + side, max(0, left) : left + side]
        cut = head[max(0, -top) :, max(0, -left) :]
        shown[:] = cut[: shown.shape[0], : shown.shape[1]]
    return picture


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("size", [(240, 320), (240, 427), (320, 240), (97, 131)])
def test_the_faces_are_those_of_its_authors_code(detector, seed, size):
    picture = crowd(seed, *size)
    with mtcnn.torch_on_one_thread():
        boxes, confidence, points = original().detect(picture[None], landmarks=True)
    ours = detector.detect(picture[None])
    if boxes[0] is None:
        assert len(ours[0][0]) == 0
        return
    for found, expected in zip(ours, (boxes, confidence, points), strict=True):
        assert found[0].dtype == np.float32
        np.testing.assert_allclose(found[0], expected[0].astype(np.float64), atol=1e-3)


def test_small_faces_are_found_where_they_are_asked_for():
    picture = cv2.resize(crowd(0), (160, 120), interpolation=cv2.INTER_AREA)
    boxes, *_ = original(20).detect(picture[None], landmarks=True)
    np.testing.assert_allclose(Detector(original(20)).detect(picture[None])[0][0], boxes[0].astype(float), atol=1e-3)


def test_a_frame_has_the_same_bits_in_every_batch(detector):
    frames = np.stack([crowd(seed) for seed in range(3)])
    together = detector.detect(frames)
    assert sum(map(len, together[0])) > 3
    for index, frame in enumerate(frames):
        for found, alone in zip(together, detector.detect(frame[None]), strict=True):
            np.testing.assert_array_equal(found[index], alone[0])


@pytest.mark.parametrize("picture", [np.zeros((240, 320, 3), np.uint8), np.full((33, 900, 3), 255, np.uint8)])
def test_where_nothing_is_nothing_is_found(detector, picture):
    boxes, confidence, points = detector.detect(picture[None])
    assert boxes[0].shape == (0, 4)
    assert confidence[0].shape == (0,)
    assert points[0].shape == (0, 5, 2)


def test_a_frame_in_which_no_face_has_room_has_none(detector):
    assert len(detector.detect(np.zeros((1, 20, 400, 3), np.uint8))[0][0]) == 0


def test_means_of_areas_are_those_of_pytorch_to_the_bit():
    chance = np.random.default_rng(0)
    frame = chance.integers(0, 256, (97, 131, 3), np.uint8)
    sums = cv2.integral(frame)
    corners = chance.integers(0, 60, (20, 2))
    boxes = np.concatenate([corners, corners + chance.integers(1, 37, (20, 2))], axis=1)
    whole = np.array([[0, 0, 131, 97]])
    for cut, sides in ((boxes, (24, 24)), (boxes, (48, 48)), (whole, (37, 50)), (whole, (97, 131))):
        means = mtcnn._area_means(sums, cut, *sides)
        for mean, (left, top, right, bottom) in zip(means, cut, strict=True):
            pixels = torch.from_numpy(frame[top:bottom, left:right].copy()).permute(2, 0, 1)[None].float()
            expected = (interpolate(pixels, size=sides, mode="area") - 127.5) * 0.0078125
            np.testing.assert_array_equal(mean, expected[0].permute(1, 2, 0).numpy())


def test_boxes_that_lie_beside_the_frame_are_dropped():
    sums = np.zeros((101, 201, 3), np.int32)
    inside, left, above, right = [10, 10, 30, 30, 1], [-40, 5, -10, 30, 1], [5, -40, 30, -10, 1], [210, 5, 230, 30, 1]
    kept = mtcnn._seen(np.array([left, inside, above, right], np.float32), sums)
    np.testing.assert_array_equal(kept, np.array([inside], np.float32))


def test_pytorch_has_its_threads_again_afterwards(detector):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        detector.detect(crowd(1)[None])
        assert torch.get_num_threads() == 3
        with pytest.raises(ZeroDivisionError), mtcnn.torch_on_one_thread():
            assert torch.get_num_threads() == 1
            raise ZeroDivisionError
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_of_no_frames_there_are_no_faces(detector):
    assert detector.detect(np.zeros((0, 240, 320, 3), np.uint8)) == ([], [], [])
