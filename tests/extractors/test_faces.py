import itertools
import json

import av
import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from extractors.extraction.batches import _precision
from extractors.faces import Expert, Params, align, describe
from extractors.networks.mtcnn_gpu import BatchDetector
from tests.devices import CPU_AS_GPU, GPU, gpu_only, nothing_is_pinned_without_a_gpu
from tests.extractors.reference import DATA


@pytest.fixture(scope="module")
def expert():
    expert = Expert(Params())
    expert.load("cpu")
    return expert


def frame(face=True, left=30, top=40):
    """A grey wall, and half as large the head of skimage's astronaut, whose eyes are at (205, 112) and (245, 112)."""
    wall = np.random.default_rng(0).integers(110, 130, (240, 320, 3)).astype(np.uint8)
    if face:
        head = cv2.resize(data.astronaut()[0:220, 120:320], (100, 110), interpolation=cv2.INTER_AREA)
        wall[top : top + 110, left : left + 100] = head
    return wall


def test_the_astronaut_has_one_face_at_its_place(expert):
    embedded = expert.embed(frame(left=30, top=40)[None])
    assert embedded.values.shape == (1, expert.dim)
    left, top, right, bottom = embedded.extras["box_px"][0]
    middle = (225 - 120) / 2 + 30, 112 / 2 + 40  # between the eyes
    assert left < middle[0] < right
    assert top < middle[1] < bottom
    assert 30 < right - left < 70
    assert embedded.extras["confidence"][0] > 0.99


def test_frames_without_a_face_have_no_rows(expert):
    embedded = expert.embed(np.stack([frame(face=False), np.zeros((240, 320, 3), np.uint8)]))
    assert embedded.values.shape == (0, expert.dim)
    assert embedded.extras["box_px"].shape == (0, 4)
    assert embedded.extras["confidence"].shape == (0,)


def test_rows_belong_to_their_frames_and_a_batch_changes_nothing(expert):
    frames = np.stack([frame(face=False), frame(), frame(left=150), frame(face=False), frame(top=100)])
    together = expert.embed(frames)
    assert together.item_index.tolist() == [1, 2, 4]
    alone = [expert.embed(single[None]) for single in frames]
    np.testing.assert_allclose(together.values, np.concatenate([single.values for single in alone]), atol=1e-3)
    boxes = np.concatenate([single.extras["box_px"] for single in alone])
    np.testing.assert_allclose(together.extras["box_px"], boxes, atol=0.05)


def test_two_faces_in_each_frame_are_rows_of_their_frame(expert):
    both = frame(left=10)
    both[40:150, 200:300] = frame(left=200)[40:150, 200:300]
    embedded = expert.embed(np.stack([both, both]))
    assert embedded.item_index.tolist() == [0, 0, 1, 1]
    assert np.all(np.diff(np.round(embedded.extras["confidence"][:2], 3)) <= 0)


@pytest.mark.parametrize("device", [pytest.param(GPU, marks=gpu_only), CPU_AS_GPU])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_gpu_finds_the_faces_that_a_cpu_does_in_any_precision(expert, device, precision, monkeypatch):
    both = frame(left=10)
    both[40:150, 200:300] = frame(left=200)[40:150, 200:300]
    frames = np.stack([frame(face=False), both, frame(left=150)])
    expected, index = expert.detect(frames)
    nothing_is_pinned_without_a_gpu(monkeypatch)
    on_gpu = Expert(Params())
    on_gpu.load(device)
    assert isinstance(on_gpu._detector, BatchDetector)
    with _precision(precision, device):
        found, places = on_gpu.detect(frames)
        assert len(on_gpu.detect(frames[:1])[1]) == 0
    assert places.tolist() == index.tolist() == [1, 1, 2]
    np.testing.assert_allclose(found.boxes_px, expected.boxes_px, atol=0.05)
    np.testing.assert_allclose(found.confidence, expected.confidence, atol=1e-4)
    np.testing.assert_allclose(found.landmarks_px, expected.landmarks_px, atol=0.05)


def test_the_same_face_elsewhere_looks_the_same_and_another_light_does_not(expert):
    here, there = expert.embed(np.stack([frame(left=20), frame(left=180, top=110)])).values
    dim = expert.embed((frame(left=20) * 0.4).astype(np.uint8)[None]).values[0]
    assert here @ there > 0.97
    assert here @ dim < here @ there


def test_a_turned_and_scaled_picture_is_aligned_to_the_same_face():
    astronaut = data.astronaut()
    landmarks = np.array([[205, 112], [245, 112], [226, 135], [208, 155], [243, 155]], np.float32)
    turn = cv2.getRotationMatrix2D((225, 130), 25, 0.8)
    turned = cv2.warpAffine(astronaut, turn, (512, 512))
    moved = landmarks @ turn[:, :2].T.astype(np.float32) + turn[:, 2].astype(np.float32)
    straight, back = align(astronaut, landmarks), align(turned, moved)
    assert np.abs(straight.astype(int) - back).mean() < 6
    assert describe(straight) @ describe(back) > 0.95


def reference(file):
    return json.loads((DATA / file).read_text(encoding="utf-8"))


def assert_found(picture, expected):
    """The faces of the reference, and nothing else, at any confidence."""
    expert = Expert(Params(min_face_px=20, min_confidence=0.0))
    expert.load("cpu")
    faces, _ = expert.detect(picture[None])
    boxes = np.array(expected["boxes"])
    assert list(picture.shape[1::-1]) == expected["size"]
    assert faces.boxes_px.shape == boxes.shape
    ours, theirs = (np.lexsort((each[:, 1], each[:, 0])) for each in (faces.boxes_px, boxes))
    np.testing.assert_allclose(faces.boxes_px[ours], boxes[theirs], atol=0.01)
    np.testing.assert_allclose(faces.confidence[ours], np.array(expected["probs"])[theirs], atol=1e-5)
    if "landmarks" in expected:
        np.testing.assert_allclose(faces.landmarks_px[ours], np.array(expected["landmarks"])[theirs], atol=0.01)


@pytest.mark.parametrize(("name", "side"), [("astronaut", 512), ("astronaut, half as large", 256)])
def test_faces_are_where_the_detector_of_its_authors_finds_them(name, side):
    picture = np.asarray(Image.fromarray(data.astronaut()).resize((side, side), Image.Resampling.BILINEAR))
    assert_found(picture, reference("mtcnn_astronaut.json")[name])


@pytest.mark.parametrize("name", reference("mtcnn_boxes.json"))
def test_faces_of_real_pictures_are_those_of_the_reference(name, media):
    """The reference saw pictures as Pillow's thumbnails, and frames resized by its bilinear filter."""
    file, _, number = name.partition("#")
    path = media / ("videos" if number else "images") / file
    if not path.exists():
        pytest.skip(f"{file} is not among the real media, of which only facenet-pytorch has it")
    expected = reference("mtcnn_boxes.json")[name]
    if number:
        with av.open(str(path)) as container:
            frame = next(itertools.islice(container.decode(video=0), int(number), None)).to_image()
        picture = frame.resize(expected["size"], Image.Resampling.BILINEAR)
    else:
        with Image.open(path) as image:
            image.thumbnail((512, 512))
            picture = image.convert("RGB")
    assert_found(np.asarray(picture), expected)


@pytest.mark.parametrize("wrong", [{"fps": 0.0}, {"min_face_px": 8}, {"short_px": 24}, {"min_confidence": -0.1}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must be|smaller"):
        Params(**wrong)
