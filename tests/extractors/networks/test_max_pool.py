import pytest
import torch

from extractors.networks.max_pool import max_of_cubes


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last_3d])
@pytest.mark.parametrize("side", [1, 3, 5])
@pytest.mark.parametrize("size", [(4, 6, 7), (3, 1, 2), (1, 1, 1), (9, 2, 14)])
def test_the_maxima_are_pytorchs(dtype, layout, side, size):
    clips = torch.randn((2, 5, *size), generator=torch.Generator().manual_seed(0)).to(dtype)
    clips = clips.to(memory_format=layout)
    given = clips.clone()
    found = max_of_cubes(clips, side)
    assert torch.equal(found, torch.nn.functional.max_pool3d(clips, side, 1, side // 2))
    assert torch.equal(clips, given)
    assert found.is_contiguous(memory_format=torch.channels_last_3d)
