"""Scene expert without a network: texture by scale and orientation, and coarse colours, on a grid.

H x W pixels of a frame, F filters (scales x orientations). After the GIST of Oliva and Torralba 2001, "Modeling the
Shape of the Scene", with log-Gabor filters (Field 1987), which do not respond to the mean brightness.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extractors.base import FrameNeed, FrameView, HandcraftedExtractor
from pipeline import config

_FINEST_PX = 4.0  # wavelength of the finest scale; each further scale is twice as long
_BANDWIDTH = 0.65  # ratio of the log-Gabor sigma to its centre frequency: about one octave


@dataclass(frozen=True)
class Params:
    """Settings of the scene expert."""

    __pydantic_config__ = config.STRICT
    fps: float = 1.0
    """Frames per second."""
    short_px: int = 120
    """Short side of the frames."""
    scales: int = 4
    """Wavelengths of 4, 8, 16 ... px."""
    orientations: int = 8
    """Number of orientations over 180 degrees."""
    grid: int = 4
    """The frame is described in grid x grid cells."""

    def __post_init__(self) -> None:
        if self.fps <= 0 or min(self.scales, self.orientations, self.grid) < 1:
            raise ValueError("fps, scales, orientations and grid must be above 0")
        if self.short_px < max(_FINEST_PX * 2 ** (self.scales - 1), self.grid):
            raise ValueError("short_px is shorter than the longest wavelength: fewer scales, or a larger short_px")


class Expert(HandcraftedExtractor):
    """One row per frame: texture of each cell, texture of the median cell, colour of each cell."""

    version = 1
    params: Params

    @property
    def dim(self) -> int:
        """grid^2 (F + 3) + F."""
        num_filters = self.params.scales * self.params.orientations
        return self.params.grid**2 * (num_filters + 3) + num_filters

    @property
    def need(self) -> FrameNeed:
        """Single frames."""
        return FrameNeed(self.params.fps, self.params.short_px)

    def prepare(self, view: FrameView) -> NDArray[np.float32]:
        """(N, D)."""
        rows = [self._describe(frame) for frame in view.frames[view.starts]]
        return np.array(rows, np.float32).reshape(-1, self.dim)

    def _describe(self, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(D,) of one frame (H, W, 3) RGB."""
        import cv2

        lab = np.asarray(cv2.cvtColor(frame.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) / 100, np.float32)
        energy = texture_energy(lab[..., 0], self.params.scales, self.params.orientations)
        cells = _grid_means(energy, self.params.grid)
        # The median is background even where an object, a face or a sign covers some of the cells.
        typical = np.median(cells, axis=0)
        colour = _grid_means(np.moveaxis(lab, -1, 0), self.params.grid)
        return np.concatenate([_unit(cells.ravel()), _unit(typical), colour.ravel() / self.params.grid])


def texture_energy(grey: NDArray[np.float32], scales: int, orientations: int) -> NDArray[np.float32]:
    """(F, H, W) local amplitude, finest scale first; orientation k is of waves at k / orientations * 180 degrees."""
    import cv2

    filters = _log_gabor(*grey.shape, scales, orientations)
    energy = np.empty(filters.shape, np.float32)
    spectrum = _complex(cv2.dft(grey, flags=cv2.DFT_COMPLEX_OUTPUT))
    # One at a time stays in the cache; by OpenCV it takes two thirds of the time that NumPy's transform takes.
    for amplitude, transfer in zip(energy, filters, strict=True):
        pairs = (spectrum * transfer).view(np.float32).reshape(*grey.shape, 2)
        np.abs(_complex(cv2.dft(pairs, flags=cv2.DFT_INVERSE | cv2.DFT_SCALE)), out=amplitude)
    return energy


def _complex(pairs: Any) -> NDArray[np.complex64]:
    """(H, W) of real and imaginary parts (H, W, 2), as OpenCV has them."""
    return np.ascontiguousarray(pairs, np.float32).view(np.complex64)[..., 0]


@lru_cache(maxsize=16)
def _log_gabor(height: int, width: int, scales: int, orientations: int) -> NDArray[np.float32]:
    """(F, H, W) transfer functions; one-sided, so that the absolute value of the response is the local amplitude."""
    y, x = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :]
    radius = np.hypot(y, x)
    radius[0, 0] = 1  # for its logarithm; the response to the mean is set to 0 below
    ratios = [np.log(radius * _FINEST_PX * 2**scale) / np.log(_BANDWIDTH) for scale in range(scales)]
    angles = [np.pi * number / orientations for number in range(orientations)]
    away = [np.angle(np.exp(1j * (np.arctan2(y, x) - angle))) for angle in angles]
    radial = [2 * np.exp(-(ratio**2) / 2) for ratio in ratios]
    angular = [np.exp(-((turn * orientations / np.pi / 0.6) ** 2) / 2) for turn in away]
    filters = [across * along for across in radial for along in angular]
    stack = np.array(filters, np.float32)
    stack[:, 0, 0] = 0
    return stack


def _grid_means(maps: NDArray[np.float32], grid: int) -> NDArray[np.float32]:
    """(grid^2, C) means of maps (C, H, W) over the cells of a grid, row by row."""
    rows = np.array_split(maps, grid, axis=1)
    return np.array([cell.mean(axis=(1, 2)) for row in rows for cell in np.array_split(row, grid, axis=2)])


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vector with length 1; a vector near 0, as of a blank frame, stays near 0."""
    return vector / max(float(np.linalg.norm(vector)), 1e-3)
