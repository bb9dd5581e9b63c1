import pytest
import torch

from pipeline.running.tf32 import tf32


def flags():
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


@pytest.mark.parametrize("allowed", [True, False])
def test_matrix_products_and_convolutions_have_the_same_setting_and_the_previous_one_is_restored(allowed):
    before = flags()
    with pytest.raises(KeyboardInterrupt), tf32(allowed):
        assert flags() == (allowed, allowed)
        raise KeyboardInterrupt
    assert flags() == before
