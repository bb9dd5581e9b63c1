import numpy as np
import pytest

from extractors import gist
from extractors.base import FrameView
from extractors.gist import Expert, Params, texture_energy

EXPERT = Expert(Params())
NUM_FILTERS = 32
ROWS, COLUMNS = np.mgrid[:120, :160].astype(np.float64)


def view(*pictures):
    frames = np.stack(
        [np.repeat(np.clip(picture, 0, 255)[..., None], 3, axis=2).astype(np.uint8) for picture in pictures]
    )
    return FrameView(frames, np.arange(len(frames)), 1, np.zeros((len(frames), 2)))


def wave(period_px, degrees):
    """Stripes whose waves run at this angle, 0 to the right, 90 down."""
    along = COLUMNS * np.cos(np.radians(degrees)) + ROWS * np.sin(np.radians(degrees))
    return 128 + 80 * np.sin(2 * np.pi * along / period_px)


@pytest.mark.parametrize("scale", range(4))
@pytest.mark.parametrize("orientation", [0, 2, 4, 6])
def test_stripes_answer_the_filter_of_their_period_and_direction(scale, orientation):
    picture = wave(4 * 2**scale, 180 * orientation / 8).astype(np.float32)
    energy = texture_energy(picture, scales=4, orientations=8)[:, 40:80, 40:120].mean(axis=(1, 2))
    assert divmod(energy.argmax(), 8) == (scale, orientation)
    assert energy.max() == pytest.approx(80, rel=0.1)


def test_texture_is_seen_in_the_part_where_it_is():
    picture = np.full((120, 160), 128.0)
    picture[:30, 120:] = wave(8, 0)[:30, 120:]
    parts = EXPERT.prepare(view(picture))[0, : 16 * NUM_FILTERS].reshape(16, NUM_FILTERS)
    assert np.linalg.norm(parts, axis=1).argmax() == 3


def test_brightness_changes_colour_and_not_texture():
    dark, light = EXPERT.prepare(view(wave(8, 0) * 0.5, wave(8, 0) * 0.5 + 100))
    texture, colour = slice(0, 17 * NUM_FILTERS), slice(17 * NUM_FILTERS, None)
    assert dark[texture] @ light[texture] == pytest.approx(2, abs=0.05)
    assert np.abs(dark[colour] - light[colour]).max() > 0.05


def test_a_blank_picture_has_finite_features():
    features = EXPERT.prepare(view(np.zeros((120, 160)), np.full((120, 160), 255.0)))
    assert features.shape == (2, EXPERT.dim)
    assert np.isfinite(features).all()


def test_no_frames_are_no_items():
    empty = FrameView(np.zeros((0, 1, 1, 3), np.uint8), np.zeros(0, int), 1, np.zeros((0, 2)))
    assert EXPERT.prepare(empty).shape == (0, EXPERT.dim)


@pytest.mark.parametrize("wrong", [{"fps": 0.0}, {"scales": 0}, {"short_px": 24}, {"grid": 0}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=r"above 0|short_px"):
        Params(**wrong)


@pytest.mark.parametrize("size", [(120, 160), (120, 213), (97, 61)])
def test_the_local_amplitude_is_that_of_numpys_transform(size):
    grey = np.random.default_rng(0).random(size, np.float32)
    responses = np.fft.ifft2(np.fft.fft2(grey.astype(np.float64)) * gist._log_gabor(*size, 4, 8))
    np.testing.assert_allclose(texture_energy(grey, 4, 8), np.abs(responses), atol=1e-6)
