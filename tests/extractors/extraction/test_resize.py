import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from extractors.base import FrameNeed
from extractors.extraction.resize import Resize, resize_frame, resize_shown
from pipeline.media.video import probe, shown_at
from tests.clips import make_clip, numbered, set_display_matrix

FRAME = np.random.default_rng(0).integers(0, 256, (120, 170, 3)).astype(np.uint8)


def interpolated(frame, **how):
    """The frame (H, W, 3), resized by torch."""
    planes = torch.from_numpy(frame).permute(2, 0, 1)[None].float()
    resized = functional.interpolate(planes, mode="bilinear", align_corners=False, antialias=False, **how)
    return resized[0].permute(1, 2, 0).numpy()


def cut(frame=FRAME, **need):
    return resize_frame(frame, Resize.of(FrameNeed(1.0, **need)))


@pytest.mark.parametrize("how", ["bilinear", "bicubic"])
def test_pillow_resizes_as_networks_were_trained(how):
    resample = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}[how]
    expected = np.asarray(Image.fromarray(FRAME).resize((90, 64), resample))  # 64 * 170 / 120 = 90.67, cut off
    np.testing.assert_array_equal(cut(short_px=64, resize=how), expected)
    np.testing.assert_array_equal(cut(short_px=64, resize=how, crop_px=50), expected[7:57, 20:70])


def test_a_tall_frame_keeps_its_aspect_too():
    assert cut(FRAME.transpose(1, 0, 2), short_px=64, resize="bilinear").shape == (90, 64, 3)
    assert cut(FRAME.transpose(1, 0, 2), short_px=64).shape == (91, 64, 3)


@pytest.mark.parametrize("how", ["area", "bilinear", "bicubic", "bilinear_float"])
def test_an_exact_size_does_not_keep_the_aspect(how):
    assert cut(size_px=(48, 60), resize=how).shape == (48, 60, 3)
    assert cut(size_px=(48, 60), resize=how, crop_px=40).shape == (40, 40, 3)


@pytest.mark.parametrize("shape", [(240, 320), (100, 90), (360, 640), (1080, 1920), (128, 171), (256, 342)])
def test_bilinear_float_is_the_interpolation_of_torch(shape):
    frame = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    exact, by_scale = (interpolated(frame, **how) for how in ({"size": (128, 171)}, {"scale_factor": 112 / min(shape)}))
    found = cut(frame, size_px=(128, 171), resize="bilinear_float")
    assert found.dtype == np.float32
    # Noise is the worst case: torch has the places of pixels in float32 only.
    np.testing.assert_allclose(found, exact, atol=0.05)
    np.testing.assert_allclose(cut(frame, short_px=112, resize="bilinear_float"), by_scale, atol=0.05)


def test_bilinear_float_does_not_round():
    assert len(np.unique(cut(short_px=64, resize="bilinear_float") % 1)) > 100
    np.testing.assert_array_equal(cut(resize="bilinear_float"), FRAME.astype(np.float32))


def test_the_short_side_is_as_long_as_asked_for_though_its_scale_is_a_fraction():
    frame = np.zeros((480, 854, 3), np.uint8)
    for short_px in range(16, 480):
        assert cut(frame, short_px=short_px, resize="bilinear_float").shape[0] == short_px


def test_an_odd_margin_is_halved_as_asked_for():
    """torchvision's CenterCrop rounds half to even; a crop at the integer part is one pixel off, here."""
    from torchvision.transforms.functional import center_crop

    frame = np.random.default_rng(0).integers(0, 256, (64, 113, 3)).astype(np.uint8)
    expected = center_crop(torch.from_numpy(frame).permute(2, 0, 1), [50, 50]).permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(cut(frame, crop_px=50), expected)  # (113 - 50) / 2 = 31.5, to 32
    np.testing.assert_array_equal(cut(frame, crop_px=50, crop_offset="floor"), frame[7:57, 31:81])


def test_a_frame_of_the_right_size_is_left_as_it_is():
    np.testing.assert_array_equal(cut(short_px=120), FRAME)
    np.testing.assert_array_equal(cut(), FRAME)


def banded(size):
    """A frame (H, W, 3) whose colour tells the place along its long side, from 0 to 255."""
    width, height = size
    ramp = np.linspace(0, 255, max(size)).astype(np.uint8)
    along_x = np.broadcast_to(ramp[None, :], (min(size), max(size)))
    return np.repeat((along_x if width >= height else along_x.T)[..., None], 3, axis=2)


EXTREME = [(8, 2000), (2000, 8), (1, 4000), (16384, 16), (97, 12)]


@pytest.mark.parametrize("size", EXTREME)
@pytest.mark.parametrize("how", ["area", "bilinear", "bicubic", "bilinear_float"])
def test_a_frame_of_extreme_shape_is_seen_whole_and_stays_small(size, how):
    frame = banded(size)
    got = cut(frame, short_px=24, resize=how)
    assert got.shape == ((24, 192, 3) if size[0] > size[1] else (192, 24, 3))
    along = got[12, :, 0] if size[0] > size[1] else got[:, 12, 0]
    assert along[0] < 6
    assert along[-1] > 249
    np.testing.assert_allclose(along, np.linspace(0, 255, 192), atol=6)


@pytest.mark.parametrize("size", EXTREME)
@pytest.mark.parametrize("how", ["area", "bilinear", "bicubic", "bilinear_float"])
def test_the_centre_of_a_frame_of_extreme_shape_is_that_of_the_whole(size, how):
    """The whole, resized by Pillow as if it were small enough, and cropped."""
    frame = banded(size)
    got = cut(frame, short_px=24, crop_px=20, resize=how)
    short = min(size)
    whole = np.asarray(
        Image.fromarray(frame).resize(tuple(round(side * 24 / short) for side in size), Image.Resampling.BILINEAR)
    )
    top, left = ((length - 20) // 2 for length in whole.shape[:2])
    np.testing.assert_allclose(got.astype(int), whole[top : top + 20, left : left + 20].astype(int), atol=4)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (8, 1), (1, 8)])
@pytest.mark.parametrize("how", ["area", "bilinear_float"])
@pytest.mark.parametrize("need", [{"short_px": 24}, {"short_px": 24, "crop_px": 20}, {"size_px": (24, 24)}])
def test_tiny_frames_are_made_larger(size, need, how):
    got = cut(np.full((*size, 3), 77, np.uint8), resize=how, **need)
    assert min(got.shape[:2]) == (20 if "crop_px" in need else 24)
    assert (got == 77).all()


@pytest.mark.parametrize("size", [(1920, 1080), (3840, 1080), (64, 8), (8, 64)])
def test_ordinary_shapes_are_resized_and_cropped_as_ever(size):
    frame = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    short = min(size)
    larger = tuple(int(24 * side / short) if side != short else 24 for side in size)
    whole = np.asarray(Image.fromarray(frame).resize(larger, Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(cut(frame, short_px=24, resize="bilinear"), whole)
    top, left = (round((length - 20) / 2) for length in whole.shape[:2])
    cropped = cut(frame, short_px=24, crop_px=20, resize="bilinear")
    np.testing.assert_array_equal(cropped, whole[top : top + 20, left : left + 20])


@pytest.fixture(scope="module")
def shown_of(tmp_path_factory):
    """Makes a clip, and shows its first frame."""
    folder = tmp_path_factory.mktemp("shown")

    def show(name, turned=False, **how):
        path = make_clip(folder / name, sound=None, seconds=0.12, **how)
        path = set_display_matrix(path, 0, 1, -1, 0) if turned else path
        ((_, shown),) = shown_at(path, np.zeros(1), probe(path))
        return shown

    return show


def near(found, expected):
    """As the mean of areas of the whole RGB, which libswscale makes up to two levels too dark."""
    difference = found.astype(np.float64) - expected
    return found.shape == expected.shape and np.abs(difference).mean() < 2.5


def soft(index):
    return np.asarray(Image.fromarray(numbered(index, (320, 240))).resize((40, 30)).resize((320, 240)))


@pytest.mark.parametrize("how", ["bilinear", "bicubic", "bilinear_float"])
def test_networks_see_the_very_pixels_that_they_saw_before(shown_of, how):
    shown = shown_of("network.mp4", size=(320, 240), picture=soft)
    for need in ({"short_px": 64}, {"size_px": (48, 60)}, {"short_px": 64, "crop_px": 50}, {"short_px": None}):
        settings = Resize.of(FrameNeed(1.0, resize=how, **need))
        np.testing.assert_array_equal(resize_shown(shown, settings), resize_frame(shown.rgb(), settings))


@pytest.mark.parametrize(
    "need",
    [
        {"short_px": 60},
        {"short_px": 239},
        {"size_px": (27, 48)},
        {"short_px": 100, "crop_px": 90},
        {"short_px": 101, "crop_px": 90, "crop_offset": "floor"},
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_means_of_areas_are_taken_while_a_frame_becomes_rgb(shown_of, need, turned):
    shown = shown_of(f"{turned}.mp4", turned, size=(320, 240), picture=soft)
    settings = Resize.of(FrameNeed(1.0, **need))
    found, longer = resize_shown(shown, settings), resize_frame(shown.rgb(), settings)
    assert near(found, longer)
    assert not np.array_equal(found, longer), "this is the other way"
    assert found.flags.c_contiguous


def test_a_long_frame_is_squeezed_in_one_pass_too_and_one_that_is_cut_first_is_not(shown_of):
    shown = shown_of("long.mkv", size=(1000, 100), codec="ffv1", picture=lambda index: numbered(index, (1000, 100)))
    squeezed, cut_first = (Resize.of(FrameNeed(1.0, short_px=20, crop_px=crop_px)) for crop_px in (None, 20))
    assert near(resize_shown(shown, squeezed), resize_frame(shown.rgb(), squeezed))
    assert resize_shown(shown, squeezed).shape == (20, 160, 3)
    np.testing.assert_array_equal(resize_shown(shown, cut_first), resize_frame(shown.rgb(), cut_first))


@pytest.mark.parametrize("need", [{"short_px": None}, {"short_px": 240}, {"short_px": 300}, {"size_px": (60, 320)}])
def test_what_does_not_become_smaller_both_ways_is_resized_as_rgb(shown_of, need):
    shown = shown_of("kept.mp4", size=(320, 240), picture=soft)
    settings = Resize.of(FrameNeed(1.0, **need))
    np.testing.assert_array_equal(resize_shown(shown, settings), resize_frame(shown.rgb(), settings))


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("rgb.mkv", {"codec": "ffv1", "pixels": "bgr0"}),
        ("transparent.mkv", {"codec": "ffv1", "pixels": "yuva420p"}),
        ("palette.gif", {"codec": "gif"}),
    ],
)
def test_what_is_rgb_already_or_may_be_transparent_is_resized_as_rgb(shown_of, name, how):
    shown, settings = shown_of(name, **how), Resize.of(FrameNeed(1.0, short_px=60))
    np.testing.assert_array_equal(resize_shown(shown, settings), resize_frame(shown.rgb(), settings))
