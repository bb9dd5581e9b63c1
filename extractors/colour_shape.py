"""RGB expert without a network: colour histograms of the frame, colour and shape of its most salient region.

H x W pixels of a frame, P colours of the palette, S side of the small mask, K harmonics of the outline.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extractors.base import FrameNeed, FrameView, HandcraftedExtractor
from extractors.frames.salient_region import PALETTE, Region, find_regions, name_colours, smooth, to_lab
from pipeline import config

_GRID = 3  # colours are counted in 3 x 3 cells of the frame
_SIDE = 12  # S
_ANGLES = 64
_POLAR_PX = 128
_HARMONIC_GAIN = 5.0  # a star's largest harmonic becomes about 0.8, a circle has none
_HARMONICS = 8  # K: a triangle's outline has the third, a square's the fourth, a star's the fifth
_NUM_FORM = 4


@dataclass(frozen=True)
class Params:
    """Settings of the rgb expert."""

    __pydantic_config__ = config.STRICT
    fps: float = 2.0
    """Frames per second; with more, a moving region is separated better from the background."""
    short_px: int = 120
    """Short side of the frames."""

    def __post_init__(self) -> None:
        if self.fps <= 0:
            raise ValueError("fps must be above 0")
        if self.short_px < 32:
            raise ValueError("short_px must be at least 32, or shapes are a few pixels")


class Expert(HandcraftedExtractor):
    """One row per frame: colours of the salient region, colours of each grid cell, then mask, harmonics and form."""

    version = 1
    params: Params

    @property
    def dim(self) -> int:
        """10 P + 3 + S^2 + K + 4."""
        return len(PALETTE) * (1 + _GRID**2) + 3 + _SIDE**2 + _HARMONICS + _NUM_FORM

    @property
    def need(self) -> FrameNeed:
        """Single frames."""
        return FrameNeed(self.params.fps, self.params.short_px)

    def prepare(self, view: FrameView) -> NDArray[np.float32]:
        """(N, D); motion is measured against all frames of the view."""
        if not len(view.starts):
            return np.zeros((0, self.dim), np.float32)
        frames = smooth(view.frames[view.starts])
        lab, names = to_lab(frames), name_colours(frames)
        regions = find_regions(lab, names)
        rows = [_describe(*item) for item in zip(lab, names, regions, strict=True)]
        return np.array(rows, np.float32)


def _describe(lab: NDArray[np.float32], names: NDArray[np.uint8], region: Region) -> NDArray[np.float64]:
    """(D,) of one frame; zeros in place of the region where none is salient."""
    cells = [
        _colour_shares(cell) for row in np.array_split(names, _GRID) for cell in np.array_split(row, _GRID, axis=1)
    ]
    layout = np.concatenate(cells) / _GRID
    if not region.mask.any():
        no_colour = np.zeros(len(PALETTE) + 3)
        return np.concatenate([no_colour, layout, np.zeros(_SIDE**2 + _HARMONICS + _NUM_FORM)])
    colour = np.median(lab[region.mask], axis=0) / 100
    return np.concatenate([_colour_shares(names[region.mask]), colour, layout, describe_shape(region.mask)])


def _colour_shares(names: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(P,) square roots of the fractions of the palette's colours, a vector of length 1."""
    counts = np.bincount(names.ravel(), minlength=len(PALETTE))
    return np.sqrt(counts / max(names.size, 1))


def describe_shape(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(S^2 + K + 4,) of a mask (H, W) with at least one pixel; nearly invariant to its position and size."""
    import cv2

    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    cut = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.uint8)
    side = max(cut.shape)
    top, left = (side - cut.shape[0]) // 2, (side - cut.shape[1]) // 2
    square = np.zeros((side, side), np.uint8)
    square[top : top + cut.shape[0], left : left + cut.shape[1]] = cut
    small = cv2.resize(square.astype(np.float32), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).ravel()
    return np.concatenate([small / np.linalg.norm(small), _harmonics(square), _form(square)])


def _harmonics(square: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(K,) magnitudes of the first harmonics of the radius around the centroid; invariant to rotation."""
    import cv2

    # Enlarged, and with a margin, so that neither pixels nor the edge of the crop add harmonics.
    large = cv2.resize(np.pad(square * 255, 1), (_POLAR_PX, _POLAR_PX), interpolation=cv2.INTER_LINEAR)
    moments = cv2.moments(large)
    centre = (moments["m10"] / moments["m00"], moments["m01"] / moments["m00"])
    polar = cv2.warpPolar(
        large, (_POLAR_PX, _ANGLES), centre, float(_POLAR_PX), cv2.INTER_LINEAR | cv2.WARP_FILL_OUTLIERS
    )
    radius = polar.mean(axis=1)
    spectrum = np.abs(np.fft.rfft(radius / max(float(radius.mean()), 1e-6))) / _ANGLES
    return _HARMONIC_GAIN * spectrum[1 : _HARMONICS + 1]


def _form(square: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(4,) solidity, roundness, filled fraction of the crop, squareness of the minimum-area box, each at most 1."""
    import cv2

    contours, _ = cv2.findContours(square, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(contours, key=cv2.contourArea)
    area, length = max(cv2.contourArea(outline), 1.0), max(cv2.arcLength(outline, True), 1.0)
    solidity = area / max(cv2.contourArea(cv2.convexHull(outline)), 1.0)
    _, sides, _ = cv2.minAreaRect(outline)
    squareness = (min(sides) + 1) / (max(sides) + 1)
    return np.array([solidity, 4 * np.pi * area / length**2, square.mean(), squareness])
