import av
import numpy as np
import pytest

from pipeline.media.colours import matrix_of, on_black
from tests.pipeline.media.sample_frames import KR_KB, flat_frame, rgb_by_formula, seen


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("pixels", ["yuv420p", "yuv444p10le"])
@pytest.mark.parametrize("size", [(320, 240), (1280, 720)])
@pytest.mark.parametrize("tag", KR_KB)
def test_colours_follow_the_matrix_that_the_frame_is_tagged_with(tag, size, pixels, full):
    values = (100, 90, 170)
    got = seen(flat_frame(size, pixels, values, tag, full))[10, 10]
    np.testing.assert_allclose(got, rgb_by_formula(*values, *KR_KB[tag], full), atol=3)  # 8-bit tables of libswscale


@pytest.mark.parametrize("tag", [0, 2, 3, 8, 14])
@pytest.mark.parametrize(
    ("size", "as_tag"),
    [((320, 240), 6), ((1024, 576), 6), ((1278, 718), 6), ((1280, 534), 1), ((608, 1080), 1), ((1920, 1080), 1)],
)
def test_frames_without_a_known_tag_are_hd_by_their_size(size, as_tag, tag):
    values = (100, 90, 170)
    got = seen(flat_frame(size, "yuv420p", values, tag, False))[10, 10]
    np.testing.assert_allclose(got, rgb_by_formula(*values, *KR_KB[as_tag], False), atol=3)
    assert (matrix_of(flat_frame(size, "yuv420p", values, 2, False)) is None) == (as_tag == 6)


@pytest.mark.parametrize("transfer", [16, 18])
def test_hdr_is_read_without_tone_mapping(transfer):
    frame = flat_frame((1920, 1080), "yuv420p10le", (100, 90, 170), 9, False)
    frame.color_trc, frame.color_primaries = transfer, 9
    np.testing.assert_allclose(seen(frame)[10, 10], rgb_by_formula(100, 90, 170, *KR_KB[9], False), atol=3)


@pytest.mark.parametrize("pixels", ["rgb24", "bgr24", "gbrp"])
def test_colours_that_are_rgb_already_are_left_alone(pixels):
    rgb = np.random.default_rng(0).integers(0, 256, (720, 1280, 3)).astype(np.uint8)
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format=pixels)
    np.testing.assert_array_equal(seen(frame), rgb)


def test_a_palette_may_be_transparent():
    frame = av.VideoFrame(16, 16, "pal8")
    palette = np.zeros((256, 4), np.uint8)
    palette[0], palette[1] = (10, 130, 250, 0), (10, 130, 250, 255)  # BGRA
    indices = np.zeros((16, frame.planes[0].line_size), np.uint8)
    indices[:, 8:] = 1
    frame.planes[0].update(indices.tobytes())
    frame.planes[1].update(palette.tobytes())
    pixels = seen(frame)
    assert (pixels[:, :8] == 0).all()
    assert (pixels[:, 8:] == (250, 130, 10)).all()


def test_on_black_is_colour_times_alpha():
    rgba = np.random.default_rng(1).integers(0, 256, (40, 30, 4)).astype(np.uint8)
    wanted = rgba[..., :3].astype(np.float64) * rgba[..., 3:] / 255
    np.testing.assert_allclose(on_black(rgba), wanted, atol=0.51)
    opaque = rgba.copy()
    opaque[..., 3] = 255
    np.testing.assert_array_equal(on_black(opaque), rgba[..., :3])
