import pytest

from extractors.shown.needs import AudioNeed, FrameNeed, JointNeed, NameNeed, SpreadNeed, SubtitleNeed, means_areas

SMALL = FrameNeed(1.0, short_px=120)


@pytest.mark.parametrize(
    "need",
    [
        SMALL,
        FrameNeed(1.0, size_px=(27, 48)),
        SpreadNeed(4, short_px=120),
        JointNeed(SMALL, AudioNeed(8000, 1.0, 1.0)),
        JointNeed(SpreadNeed(4, size_px=(9, 9)), words=SubtitleNeed()),
    ],
)
def test_a_resize_by_area_means_areas_beside_sound_and_words_too(need):
    assert means_areas(need)


@pytest.mark.parametrize(
    "need",
    [
        FrameNeed(1.0),
        FrameNeed(1.0, crop_px=100),
        FrameNeed(1.0, short_px=120, resize="bilinear"),
        SpreadNeed(4, short_px=120, resize="bicubic"),
        FrameNeed(1.0, size_px=(9, 9), resize="bilinear_float"),
        JointNeed(FrameNeed(1.0)),
        AudioNeed(8000, 1.0, 1.0),
        SubtitleNeed(),
        NameNeed(),
    ],
)
def test_no_other_does_nor_one_without_a_size(need):
    assert not means_areas(need)
