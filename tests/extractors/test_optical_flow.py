import numpy as np
import pytest
import torch

from extractors import optical_flow
from extractors.optical_flow import Expert, Params
from pipeline.errors import WeightsError
from tests.extractors.reference import seeded


class Still:
    """A RAFT that sees all move by 10 px to the right and 40 px down."""

    def __call__(self, first, second, num_flow_updates):
        moved = torch.tensor([10.0, 40.0])[None, :, None, None]
        return [torch.zeros(len(first), 2, *first.shape[2:]) + moved] * num_flow_updates


@pytest.mark.parametrize(("side", "expected"), [(224, 0.5), (128, 0.875)])
def test_flow_is_cut_at_20_px_and_counts_in_px_of_what_the_stream_is_shown(side, expected):
    expert = Expert(Params(crop_px=side))
    expert._raft = Still()
    flow = expert._flow(torch.zeros(2, 17, side, side, 3, dtype=torch.uint8))
    assert flow.shape == (2, 2, 16, 224, 224)
    np.testing.assert_allclose(flow[:, 0], expected, atol=1e-6)
    np.testing.assert_allclose(flow[:, 1], 1.0)


@pytest.mark.slow
def test_windows_become_rows_in_any_batch():
    expert = seeded(optical_flow, crop_px=128, resize_px=146, iterations=4, pairs_at_once=5)
    clips = np.random.default_rng(0).integers(0, 256, (2, 17, 128, 128, 3)).astype(np.uint8)
    together = expert.embed(clips).values
    assert together.shape == (2, 1024)
    np.testing.assert_allclose(expert.embed(clips[1:]).values[0], together[1], atol=1e-3)


def test_only_the_stream_needs_a_file_in_the_yaml():
    expert = Expert(Params())
    assert expert.published_file("flow").cached_as.rpartition("/")[2] == "raft_small_C_T_V2-01064c6d.pth"
    with pytest.raises(WeightsError, match="name a file"):
        expert.published_file("stream")


@pytest.mark.parametrize(
    "wrong", [{"crop_px": 120}, {"crop_px": 130}, {"window": 8}, {"iterations": 0}, {"network": "torchvision/resnet50"}]
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must|needs|above"):
        Params(**wrong)
