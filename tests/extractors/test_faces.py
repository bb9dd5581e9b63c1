import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from extractors.faces import Expert, Params, align, describe

SHARED = Path(__file__).parents[3] / "shared"


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


@pytest.mark.skipif(not SHARED.exists(), reason="the reference boxes are not part of the repository")
def test_boxes_are_those_of_the_reference():
    name = "face_multiface.jpg"
    reference = json.loads((SHARED / "reference/extraction/mtcnn_boxes.json").read_text(encoding="utf-8"))[name]
    with Image.open(SHARED / "media/images" / name) as image:  # the reference saw it through PIL's bicubic resize
        picture = np.array(image.convert("RGB").resize(reference["size"], Image.Resampling.BICUBIC))
    expert = Expert(Params(min_face_px=20))
    expert.load("cpu")
    found = expert.embed(picture[None]).extras["box_px"]
    expected = np.array(reference["boxes"])
    assert found.shape == expected.shape
    np.testing.assert_allclose(found[np.argsort(found[:, 0])], expected[np.argsort(expected[:, 0])], atol=0.01)


@pytest.mark.parametrize("wrong", [{"fps": 0.0}, {"min_face_px": 8}, {"short_px": 24}, {"min_confidence": -0.1}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must be|smaller"):
        Params(**wrong)
