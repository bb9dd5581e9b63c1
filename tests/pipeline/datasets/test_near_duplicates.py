import pytest

from pipeline.datasets.near_duplicates import NearDuplicates


@pytest.mark.parametrize("threshold", [0.0, -0.5, 1.01])
def test_a_threshold_that_no_two_videos_or_all_would_reach_is_told(threshold):
    with pytest.raises(ValueError, match="threshold must be above 0 and at most 1"):
        NearDuplicates("rgb_light", threshold)
