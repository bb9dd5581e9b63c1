import io

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import DecodeError
from search.pages.posters import poster, score, telling
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


def picture_of(kind: str) -> np.ndarray:
    """A picture of 120x160: black, dark, grey, blurred stripes, sharp stripes without and with colour."""
    flat = np.zeros((120, 160, 3), np.uint8)
    rows = np.arange(120)[:, None, None]
    stripes = np.broadcast_to(np.where(rows % 12 < 6, 200, 60), flat.shape).astype(np.uint8)
    return {
        "black": flat,
        "dark": stripes // 20,
        "grey": flat + 128,
        "blurred": (130 + 70 * np.sin(rows * np.pi / 60) + flat).astype(np.uint8),
        "sharp": stripes,
        "colourful": stripes * np.array([1.0, 0.4, 0.1]) + 40,
    }[kind].astype(np.uint8)


def test_the_score_is_that_of_its_formula():
    pixels = picture_of("colourful")
    grey = np.asarray(Image.fromarray(pixels).convert("L")).astype(float)
    padded = np.pad(grey, 1, mode="reflect")
    laplacian = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:] - 4 * grey
    red, green, blue = (pixels[..., channel].astype(float) for channel in range(3))
    one, other = red - green, (red + green) / 2 - blue
    colours = np.hypot(one.std(), other.std()) + 0.3 * np.hypot(one.mean(), other.mean())
    assert score(pixels) == pytest.approx(laplacian.std() * (10 + colours), rel=0.03)


@pytest.mark.parametrize("kind", ["black", "dark", "grey"])
def test_where_nothing_can_be_made_out_there_is_no_score(kind):
    assert score(picture_of(kind)) == 0


def test_what_is_sharp_and_colourful_comes_first():
    assert score(picture_of("colourful")) > score(picture_of("sharp")) > score(picture_of("blurred")) > 0


def clip_of(path, *kinds: str):
    """A clip with a second of each kind of picture."""
    return make_clip(path, fps=10, seconds=len(kinds), picture=lambda at: picture_of(kinds[at // 10]), sound=None)


def is_like(pixels: np.ndarray, kind: str) -> bool:
    return float(np.abs(pixels.astype(int) - picture_of(kind)).mean()) < 12


def test_the_most_telling_picture_around_the_second_is_taken(tmp_path):
    path = clip_of(tmp_path / "a.mp4", "blurred", "sharp", "colourful", "blurred")
    assert is_like(telling(path, 1.2), "colourful")
    assert is_like(telling(path, 0.0), "sharp")  # the colourful one is too far away


def test_of_a_video_that_ends_in_a_fade_another_part_is_shown(tmp_path):
    path = clip_of(tmp_path / "a.mp4", "sharp", "sharp", *["black"] * 6)
    for at_s in (6.0, 8.0, 1e300):
        assert is_like(telling(path, at_s), "sharp")


def test_of_a_black_video_the_black_picture_is_shown(tmp_path):
    assert telling(clip_of(tmp_path / "a.mp4", "black", "black"), 1.0).max() < 20
