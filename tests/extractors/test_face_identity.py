import numpy as np
import pytest
import torch
from skimage import data

from extractors import face_identity
from extractors.face_identity import Params, tracks
from pipeline.stores.parts import Features
from tests.devices import CPU_AS_GPU, GPU, gpu_only, nothing_is_pinned_without_a_gpu
from tests.extractors.reference import seeded


@pytest.fixture(scope="module")
def expert():
    return seeded(face_identity)


def test_each_face_has_a_vector_unit_length_and_a_place(expert):
    astronaut = np.ascontiguousarray(data.astronaut()[:300, 60:400])
    found = expert.embed(np.stack([np.zeros_like(astronaut), astronaut]))
    assert found.values.shape == (1, 512)
    assert found.item_index.tolist() == [1]
    assert np.linalg.norm(found.values) == pytest.approx(1, abs=1e-4)
    left, top, right, bottom = found.extras["box_px"][0]
    assert left < 225 - 60 < right
    assert top < 120 < bottom


def test_nobody_there_is_no_row(expert):
    found = expert.embed(np.zeros((2, 120, 160, 3), np.uint8))
    assert found.values.shape == (0, 512)
    assert found.extras["box_px"].shape == (0, 4)


@pytest.mark.parametrize("device", [pytest.param(GPU, marks=gpu_only), CPU_AS_GPU])
def test_a_gpu_gives_each_face_the_vector_that_a_cpu_does(expert, device, monkeypatch):
    astronaut = np.ascontiguousarray(data.astronaut()[:300, 60:400])
    frames = np.stack([astronaut, np.zeros_like(astronaut), np.roll(astronaut, 40, axis=1)])
    expected = expert.embed(frames)
    monkeypatch.setattr(expert, "build", lambda: expert.network)
    nothing_is_pinned_without_a_gpu(monkeypatch)
    try:
        expert.load(device)
        found, none = expert.embed(frames), expert.embed(frames[1:2])
    finally:
        expert.load("cpu")
    assert found.item_index.tolist() == expected.item_index.tolist() == [0, 2]
    np.testing.assert_allclose(found.values, expected.values, atol=1e-3)
    np.testing.assert_allclose(found.extras["box_px"], expected.extras["box_px"], atol=0.05)
    assert none.values.shape == (0, 512)


def test_all_faces_of_a_batch_at_once_have_the_vectors_of_each_alone(expert):
    astronaut = np.ascontiguousarray(data.astronaut()[:300, 60:400])
    frames = np.stack([astronaut, astronaut[::-1].copy()])
    boxes = np.array([[110, 50, 210, 190], [-20, 10, 200, 280], [130, 70, 180, 120]], np.float32)
    index = np.array([0, 1, 0])
    at_once = expert._all_at_once(torch.from_numpy(frames), boxes, index)
    np.testing.assert_allclose(at_once, expert._on_cpu(frames, boxes, index), atol=1e-6)


def test_the_network_always_sees_as_many_faces_whatever_is_beside_them(expert, monkeypatch):
    """Its kernels depend on the shape, and with them the last digits of a face."""
    monkeypatch.setattr(face_identity, "FACES_AT_ONCE", 4)
    frames = torch.from_numpy(np.ascontiguousarray(data.astronaut()[None, :300, 60:400]))
    boxes = np.array([[110, 50, 210, 190]], np.float32)
    shapes = []
    hook = expert.network.register_forward_pre_hook(lambda _, given: shapes.append(len(given[0])))
    few, many = (
        expert._all_at_once(frames, boxes.repeat(number, axis=0), np.zeros(number, np.int64)) for number in (1, 6)
    )
    hook.remove()
    assert shapes == [4, 4, 4]
    assert (few.shape, many.shape) == ((1, 512), (6, 512))
    assert all(np.array_equal(one, few[0]) for one in many)


def test_its_weights_are_the_detectors_and_its_own(expert):
    assert expert.weights["network"] == "seeded"
    assert sum(name.endswith(".pt") for name in expert.weights) == 3


def test_a_face_keeps_its_number_while_it_moves():
    def box(left, top):
        return [left, top, left + 40, top + 40]

    boxes = np.array([box(0, 0), box(100, 0), box(104, 4), box(6, 2), box(200, 0), box(108, 8)], np.float32)
    starts_s = np.array([0.0, 0.0, 1.0, 1.0, 1.0, 2.0])
    assert tracks(boxes, starts_s, 0.3).tolist() == [0, 1, 1, 0, 2, 1]
    assert tracks(boxes, starts_s, 0.95).tolist() == [0, 1, 2, 3, 4, 5]
    assert tracks(np.zeros((0, 4), np.float32), np.zeros(0), 0.3).tolist() == []


def test_tracks_are_kept_beside_the_vectors(expert):
    boxes = np.array([[0, 0, 9, 9], [1, 1, 9, 9]], np.float32)
    times_s = np.array([[0.0, 1.0], [1.0, 2.0]])
    done = expert.finish(Features(np.zeros((2, 512), np.float32), times_s, {"box_px": boxes}))
    assert done.extras["track"].tolist() == [0, 0]
    nothing = Features(np.zeros((0, 512), np.float32), np.zeros((0, 2)))
    assert expert.finish(nothing) is nothing


@pytest.mark.parametrize("wrong", [{"margin_px": -1}, {"same_face_overlap": 0.0}, {"fps": 0.0}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must"):
        Params(**wrong)
