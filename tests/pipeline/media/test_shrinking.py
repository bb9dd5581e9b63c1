from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from skimage import data

from pipeline.media.fields import deinterlaced
from pipeline.media.picture import Display, Orientation, Painter
from pipeline.media.shrinking import Shrinker
from tests.pipeline.media.sample_frames import (
    KR_KB,
    flagged,
    flat_frame,
    mean_of_areas,
    rgb_by_formula,
    ycbcr_frame,
)


def photo(width, height):
    """A photograph in soft colours, so that no rounding leaves the cube of RGB."""
    resized = cv2.resize(data.astronaut(), (width, height), interpolation=cv2.INTER_AREA)
    return (cv2.GaussianBlur(resized, (0, 0), 1) * 0.8 + 25).astype(np.uint8)


def assert_like(found, expected, shift=0.04):
    """Near in the mean, no colour brighter or darker throughout, and all colours in their places."""
    difference = found - expected
    assert np.abs(difference).mean() < 1.0
    assert np.abs(difference.mean(axis=(0, 1))).max() < 0.3
    upended = (np.swapaxes(one, 0, 1) for one in (found, expected))
    assert max(abs(shift_px(found, expected)), abs(shift_px(*upended))) < shift


def shift_px(found, expected):
    """By how much the colours, red less green, lie further to the right, by least squares."""
    found, expected = (one[..., 0].astype(np.float64) - one[..., 1] for one in (found, expected))
    slope = (expected[:, 2:] - expected[:, :-2]) / 2
    return -((found - expected)[:, 1:-1] * slope).sum() / (slope**2).sum()


@pytest.mark.parametrize("size", [(640, 360), (641, 359)])
@pytest.mark.parametrize(
    ("pixels", "full"),
    [
        ("yuv420p", False),
        ("yuv422p", False),
        ("yuv444p", False),
        ("yuv440p", False),
        ("yuv411p", False),
        ("yuv420p10le", False),
        ("yuv422p10le", False),
        ("yuv444p12le", False),
        ("yuvj420p", True),
        ("yuv420p", True),
        ("yuv420p10le", True),
    ],
)
def test_a_frame_of_any_depth_and_sampling_becomes_the_mean_of_areas_of_its_rgb(size, pixels, full):
    """Over an odd length libswscale stretches the chroma, by a pixel of the whole frame at the far end."""
    picture = photo(*size)
    frame = ycbcr_frame(picture, pixels, 1, full)
    for small in ((213, 120), (320, 180), (600, 340), (48, 27)):
        odd = small[0] / size[0] * (size[0] % 2)
        assert_like(Shrinker().rgb(frame, small), mean_of_areas(picture, small), 0.04 + odd)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("colorspace", [1, 2, 4, 5, 6, 7, 9, 10])
@pytest.mark.parametrize("size", [(320, 240), (1280, 720)])
def test_colours_are_those_of_the_tag_or_of_the_size_of_the_whole_frame(size, colorspace, full):
    kr_kb = KR_KB[colorspace if colorspace != 2 else 1 if size == (1280, 720) else 5]
    frame = flat_frame(size, "yuv420p", (100, 90, 170), colorspace, full)
    expected = np.broadcast_to(rgb_by_formula(100, 90, 170, *kr_kb, full), (60, 80, 3))
    np.testing.assert_allclose(Shrinker().rgb(frame, (80, 60)), expected, atol=1.01)
    assert frame.colorspace == colorspace, "the frame itself is left as it is"


def test_grey_stays_grey():
    grey = cv2.cvtColor(photo(640, 360), cv2.COLOR_RGB2GRAY)
    frame = ycbcr_frame(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), "gray", 5, full=True)
    pixels = Shrinker().rgb(frame, (213, 120))
    np.testing.assert_array_equal(pixels[..., 0], pixels[..., 2])
    assert np.abs(pixels[..., 1] - mean_of_areas(grey[..., None], (213, 120))[..., 0]).mean() < 0.5


@pytest.mark.parametrize(
    ("size", "small"),
    [
        ((3840, 2160), (213, 120)),
        ((9600, 96), (48, 27)),
        ((96, 9600), (27, 48)),
        ((4000, 240), (960, 120)),
        ((60, 44), (54, 40)),
    ],
)
def test_it_may_be_shrunk_by_much_by_little_and_in_one_direction_most(size, small):
    """Waves, which are longer than the new pixels."""
    y, x = np.mgrid[: size[1], : size[0]]
    waves = [
        np.sin(2 * np.pi * (across * x / size[0] + down * y / size[1])) for across, down in ((1, 0), (0, 1), (1, 1))
    ]
    picture = (128 + 60 * np.stack(waves, -1)).round().astype(np.uint8)
    found, expected = Shrinker().rgb(ycbcr_frame(picture, "yuv420p", 5), small), mean_of_areas(picture, small)
    assert np.abs(found - expected).mean() < 1.5
    assert np.abs((found - expected).mean(axis=(0, 1))).max() < 0.5


@pytest.mark.parametrize("pixels", ["rgb24", "bgr0", "gbrp", "rgba", "yuva420p", "pal8", "ya8", "monow"])
def test_what_is_rgb_already_or_may_be_transparent_is_left_to_the_long_way(pixels):
    assert Shrinker().rgb(av.VideoFrame(320, 240, pixels), (160, 120)) is None


@pytest.mark.parametrize("small", [(320, 240), (330, 100), (100, 250), (1, 120), (160, 1), (319, 1)])
def test_so_is_what_would_not_become_smaller_or_would_by_too_much(small):
    assert Shrinker().rgb(flat_frame((320, 240), "yuv420p", (9, 9, 9), 5, False), small) is None


def test_a_picture_depends_on_its_own_frame_and_size_alone():
    frames = [ycbcr_frame(photo(*size), pixels, tag) for size, pixels, tag in KINDS]
    alone = [Shrinker().rgb(frame, (80, 60)) for frame in frames]
    shared = Shrinker()
    for place in (0, 1, 2, 1, 0, 3, 0, 2, 3):
        shared.rgb(frames[place], (64, 48))
        np.testing.assert_array_equal(shared.rgb(frames[place], (80, 60)), alone[place])
    assert not np.array_equal(alone[0], alone[3])


KINDS = [
    ((320, 240), "yuv420p", 5),
    ((320, 240), "yuv444p10le", 9),
    ((640, 480), "yuv420p", 1),
    ((320, 240), "yuv420p", 1),
]


@pytest.mark.parametrize("fields", ["tff", "bff"])
def test_an_interlaced_frame_is_shown_by_one_of_its_fields(fields):
    first, second = photo(640, 360), photo(640, 360)[:, ::-1]
    woven = first.copy()
    woven[fields == "tff" :: 2] = second[fields == "tff" :: 2]
    frame = flagged(ycbcr_frame(woven, "yuv444p", 5), fields)
    assert frame.interlaced_frame and deinterlaced(frame) is not frame
    frame.colorspace, frame.color_range = 5, 1
    found = Shrinker().rgb(frame, (213, 120)).astype(np.float64)
    assert np.abs(found - mean_of_areas(first, (213, 120))).mean() < 1.5


def painted(frame, small, display=None, whole_px=None):
    class Stream:
        codec_context = av.CodecContext.create("ffv1", "r")

    display = display or Display()
    return Painter(Stream, display).shrunk(frame, small, whole_px or display.size_px(frame))


@pytest.mark.parametrize("orientation", [Orientation(t, x, y) for t in (0, 1) for x in (0, 1) for y in (0, 1)])
def test_a_turned_picture_is_the_upright_one_turned(orientation):
    frame = ycbcr_frame(photo(640, 360), "yuv420p", 1)
    small = (120, 213) if orientation.transposed else (213, 120)
    upright = Shrinker().rgb(frame, (213, 120))
    turned = painted(frame, small, Display(orientation=orientation))
    np.testing.assert_array_equal(turned, orientation.apply(upright))
    assert turned.flags.c_contiguous


@pytest.mark.parametrize("aspect", [Fraction(4, 3), Fraction(2, 3)])
def test_of_pixels_that_are_not_square_the_shown_area_counts(aspect):
    picture = photo(640, 360)
    display = Display(aspect)
    whole_px = display.unturned_px(av.VideoFrame(640, 360, "yuv420p"))
    small = (whole_px[0] // 4, whole_px[1] // 4)
    assert_like(painted(ycbcr_frame(picture, "yuv420p", 1), small, display), mean_of_areas(picture, small))


def test_a_frame_that_is_not_of_the_size_of_the_first_is_left_to_the_long_way():
    frame = ycbcr_frame(photo(640, 360), "yuv420p", 1)
    assert painted(frame, (80, 60)) is not None
    assert painted(frame, (80, 60), whole_px=(320, 240)) is None
