"""The same code on the CPU, and on a GPU where there is one, beside `mtcnn.Detector` and MTCNN's authors' code."""

import cv2
import numpy as np
import pytest
import torch

from extractors.networks import mtcnn_gpu
from extractors.networks.mtcnn import Detector, torch_on_one_thread
from extractors.networks.mtcnn_areas import sizes_of, sums_of
from extractors.networks.mtcnn_gpu import BatchDetector
from tests.devices import on_every_device
from tests.extractors.networks.test_mtcnn import crowd, original


def on(device, min_face_px=32):
    mtcnn = original(min_face_px)
    for network in (mtcnn.pnet, mtcnn.rnet, mtcnn.onet):
        network.to(device)
    return BatchDetector(mtcnn, device)


CROPS_AT_ONCE = mtcnn_gpu._CROPS_AT_ONCE


@pytest.fixture(autouse=True)
def _few_crops_at_once(monkeypatch):
    """What fills them up takes a CPU seconds."""
    monkeypatch.setattr(mtcnn_gpu, "_CROPS_AT_ONCE", (256, 32))


@pytest.fixture(scope="module")
def detector():
    return on("cpu")


def crowds(number, *size):
    """Frames with faces of several sizes, some beyond the edge; every third has none."""
    pictures = [crowd(seed, *size) for seed in range(number)]
    for picture in pictures[1::3]:
        picture[:] = cv2.resize(picture[:8, :8], picture.shape[1::-1])
    return np.stack(pictures)


def assert_same(found, expected):
    for ours, theirs, shape, within in zip(found, expected, ((4,), (), (5, 2)), (0.05, 1e-4, 0.05), strict=True):
        assert len(ours) == len(theirs)
        for of_frame, of_their_frame in zip(ours, theirs, strict=True):
            assert of_frame.dtype == np.float32
            assert of_frame.shape == (len(of_their_frame), *shape)
            np.testing.assert_allclose(of_frame, of_their_frame, atol=within)


@on_every_device
@pytest.mark.parametrize("number", [1, 3, 16])
@pytest.mark.parametrize("size", [(240, 320), (320, 240), (480, 640)])
def test_the_faces_are_those_that_are_found_on_a_cpu(device, number, size):
    frames = crowds(number, *size)
    expected = Detector(original()).detect(frames)
    assert sum(map(len, expected[0])) >= number
    assert_same(on(device).detect(frames), expected)


@on_every_device
@pytest.mark.parametrize(("size", "min_face_px"), [((240, 320), 32), ((97, 131), 20), ((480, 640), 64)])
def test_the_faces_are_those_of_its_authors_code(device, size, min_face_px):
    frames = crowds(3, *size)
    with torch_on_one_thread():
        authors = original(min_face_px).detect(frames, landmarks=True)
    expected = [
        [np.zeros((0, *shape)) if each is None or each[0] is None else each.astype(float) for each in values]
        for values, shape in zip(authors, ((4,), (), (5, 2)), strict=True)
    ]
    assert sum(map(len, expected[0]))
    assert_same(on(device, min_face_px).detect(frames), expected)


@on_every_device
def test_the_faces_of_a_frame_are_the_same_beside_any_others(device):
    frames = crowds(7, 240, 320)
    detector = on(device)
    together = detector.detect(frames)
    for index, frame in enumerate(frames):
        assert_same(detector.detect(frame[None]), [[values[index]] for values in together])


def test_each_network_sees_as_much_at_once_whatever_is_in_the_frames(monkeypatch):
    """Its kernels depend on the shape, and with them the last digits of a box."""
    monkeypatch.setattr(mtcnn_gpu, "_CROPS_AT_ONCE", (64, 16))
    detector, shapes = on("cpu"), [[], []]
    for network, seen in zip(detector._networks[1:], shapes, strict=True):
        network.register_forward_pre_hook(lambda _, given, seen=seen: seen.append(len(given[0])))
    detector.detect(crowds(4, 240, 320))
    assert [set(seen) for seen in shapes] == [{64}, {16}]
    assert len(shapes[0]) > 1


def test_frames_may_be_on_the_device_already(detector):
    frames = crowds(2, 240, 320)
    assert_same(detector.detect(torch.from_numpy(frames)), detector.detect(frames))


def test_many_frames_and_many_crops_are_taken_part_by_part(detector, monkeypatch):
    frames = crowds(5, 240, 320)
    expected = detector.detect(frames)
    monkeypatch.setattr(mtcnn_gpu, "_PIXELS_AT_ONCE", 2 * 240 * 320)
    monkeypatch.setattr(mtcnn_gpu, "_CROPS_AT_ONCE", (7, 3))
    assert_same(detector.detect(frames), expected)


def test_frames_whose_sums_need_more_than_32_bits_have_their_faces_too(detector):
    huge = np.full((1, 2250, 4000, 3), 255, np.uint8)
    huge[0, 1900:2140, 3600:3920] = crowd(0)
    expected = Detector(original()).detect(huge)
    assert len(expected[0][0]) == 2
    assert_same(detector.detect(huge), expected)


@on_every_device
@pytest.mark.parametrize("shape", [(2, 240, 320, 3), (1, 33, 900, 3), (2, 20, 400, 3), (0, 240, 320, 3)])
def test_where_nothing_is_nothing_is_found(device, shape):
    boxes, confidence, points = on(device).detect(np.zeros(shape, np.uint8))
    assert [each.shape for each in boxes] == [(0, 4)] * shape[0]
    assert [each.shape for each in confidence] == [(0,)] * shape[0]
    assert [each.shape for each in points] == [(0, 5, 2)] * shape[0]


def test_what_lies_beside_the_frame_is_no_face_however_sure_a_network_is(detector, monkeypatch):
    monkeypatch.setattr(detector, "_thresholds", [0.6, -1.0, -1.0])
    sums, sizes = sums_of(torch.from_numpy(crowds(2, 240, 320))), sizes_of(240, 320, (0.375,), "cpu")
    boxes = torch.tensor([[10, 10, 50, 50, 0.9], [330, 10, 370, 50, 0.9], [300, -20, 340, 20, 0.9]])
    for network in (1, 2):
        found, *_ = detector._judged(network, mtcnn_gpu._Found(boxes, torch.tensor([0, 1, 1])), sums, sizes)
        assert found.frame.tolist() == [0, 1]
        assert found.boxes[:, :2].tolist() == [[10, 10], [300, -20]]


def operations(detector, frames):
    """Name -> how often PyTorch was asked for it."""
    with torch.profiler.profile() as profile:
        detector.detect(frames)
    return {event.key: event.count for event in profile.key_averages()}


def test_more_frames_and_faces_need_no_more_operations_and_no_more_waits(detector, monkeypatch):
    monkeypatch.setattr(mtcnn_gpu, "_CROPS_AT_ONCE", CROPS_AT_ONCE)
    frames = crowds(16, 240, 320)
    detector.detect(frames)  # The tables of this size are made once.
    few, many = operations(detector, frames[:2]), operations(detector, frames)
    for name in ("conv2d", "index", "index_select", "nonzero", "cat", "cumsum", "div_", "add", "sub", "mul"):
        assert many[f"aten::{name}"] == few[f"aten::{name}"] > 0
    assert many["aten::nonzero"] == many["torchvision::nms"] == 3
    assert "aten::_local_scalar_dense" not in many


def rows(*faces):
    """Frame, confidence and box of faces, as the third network gives them."""
    return np.array([[*box, sure, *[0] * 10, frame] for frame, sure, box in faces], np.float32)


def test_of_faces_that_overlap_in_a_frame_the_surest_is_kept():
    large, inside, beside = [10, 10, 49, 49], [20, 20, 39, 39], [35, 10, 74, 49]
    found = mtcnn_gpu._per_frame(
        rows((2, 0.9, large), (2, 0.99, inside), (0, 0.8, beside), (0, 0.95, large), (2, 0.7, large), (3, 0.9, inside)),
        5,
    )
    assert [each[:, :4].tolist() for each in found] == [[large, beside], [], [inside], [inside], []]


def test_of_equally_sure_faces_the_one_that_came_last_is_kept():
    first, last = [0, 0, 99, 99], [5, 0, 104, 99]
    found = mtcnn_gpu._per_frame(rows((0, 1.0, first), (0, 1.0, last)), 1)
    assert found[0][:, :4].tolist() == [last]


def test_a_face_that_is_hidden_hides_no_other():
    first, second, third = [0, 0, 99, 99], [20, 0, 119, 99], [40, 0, 139, 99]
    found = mtcnn_gpu._per_frame(rows((0, 0.9, first), (0, 0.8, second), (0, 0.7, third)), 1)
    assert [each[:, :4].tolist() for each in found] == [[first, third]]
