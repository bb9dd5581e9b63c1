import io

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import DecodeError
from search.pages.posters import poster
from tests.clips import make_clip, number_in, tone


def shown(path, at_s: float, **more) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(poster(path, at_s, **more))))


@pytest.mark.parametrize(("at_s", "index"), [(0.0, 0), (0.5, 12), (1.0, 25), (1.96, 49), (7.0, 49), (1e300, 49)])
def test_it_is_the_frame_that_is_shown_then(clip, at_s, index):
    assert number_in(shown(clip, at_s)) == index


def test_it_is_no_wider_than_asked_and_never_enlarged(clip):
    assert shown(clip, 0.0).shape == (120, 160, 3)
    assert shown(clip, 0.0, width_px=80).shape == (60, 80, 3)


def test_late_in_a_long_file_the_right_frame_is_found(tmp_path):
    long = make_clip(tmp_path / "long.mp4", seconds=30.0, fps=10, sound=None)
    assert number_in(shown(long, 25.0)) == 250


def test_what_has_no_picture_is_refused(tmp_path):
    sound = make_clip(tmp_path / "sound.m4a", codec="", sound=tone(1.0))
    with pytest.raises(DecodeError, match="no picture"):
        poster(sound)
    (tmp_path / "noise.mp4").write_bytes(b"\0" * 5000)
    with pytest.raises(DecodeError, match=r"noise\.mp4"):
        poster(tmp_path / "noise.mp4")
    with pytest.raises(DecodeError, match=r"none\.mp4"):
        poster(tmp_path / "none.mp4")


def test_a_file_whose_pictures_are_all_damaged_is_refused(clip, tmp_path):
    data = bytearray(clip.read_bytes())
    start = data.index(b"mdat") + 4
    data[start : data.index(b"moov") - 4] = b"\xff" * (data.index(b"moov") - 4 - start)
    (tmp_path / "damaged.mp4").write_bytes(data)
    with pytest.raises(DecodeError, match=r"damaged\.mp4"):
        poster(tmp_path / "damaged.mp4", 1.0)
