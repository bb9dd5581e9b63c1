import io

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import DecodeError
from search.pages.faces import MARGIN, FacePicture
from tests.clips import make_clip

BOX_PX = (30.0, 20.0, 60.0, 50.0)
"""In a frame whose short side is 60 px: the half of the clip's."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    shown = np.zeros((120, 160, 3), np.uint8)
    shown[40:100, 60:120] = (250, 30, 30)
    return make_clip(tmp_path_factory.mktemp("faces") / "clip.mp4", seconds=1, fps=5, picture=lambda index: shown)


def opened(job: FacePicture) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(job())).convert("RGB"))


def test_the_box_is_in_the_middle_with_a_margin_around_it(clip):
    face = opened(FacePicture(clip, 0.4, BOX_PX, 60))
    side = 60 * (1 + 2 * MARGIN)
    assert face.shape[:2] == pytest.approx((side, side), abs=2)
    middle = face[face.shape[0] // 4 : -face.shape[0] // 4, face.shape[1] // 4 : -face.shape[1] // 4]
    assert middle[..., 0].mean() > 200
    assert face[:4, :4, 0].mean() < 60


def test_a_box_in_the_pixels_of_the_frame_itself(clip):
    face = opened(FacePicture(clip, 0.4, tuple(2 * side for side in BOX_PX), None))
    np.testing.assert_array_equal(face, opened(FacePicture(clip, 0.4, BOX_PX, 60)))


@pytest.mark.parametrize(
    "box",
    [(-50.0, -50.0, -20.0, -20.0), (500.0, 500.0, 900.0, 900.0), (10.0, 10.0, 10.0, 10.0), (0.0, 0.0, 80.0, 60.0)],
)
def test_boxes_outside_and_empty_ones_still_give_a_picture(clip, box):
    assert min(opened(FacePicture(clip, 0.4, box, 60)).shape[:2]) >= 1


def test_without_a_box_it_is_the_frame(clip):
    assert opened(FacePicture(clip, 0.4, None, None)).shape == (120, 160, 3)


def test_without_a_frame_there_is_none(tmp_path):
    (tmp_path / "x.mp4").write_bytes(b"no video")
    with pytest.raises(DecodeError):
        FacePicture(tmp_path / "x.mp4", 0.0, None, None)()
