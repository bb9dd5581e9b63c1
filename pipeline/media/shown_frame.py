"""A decoded frame as a player shows it: whole, or shrunk on the way from YCbCr to RGB."""

from typing import Any

import numpy as np

from pipeline.media.colours import Pixels
from pipeline.media.info import VideoInfo
from pipeline.media.picture import Painter


class ShownFrame:
    """The RGB picture (H, W, 3) of a frame: H and W are those of the first frame of its file."""

    def __init__(self, rgb: Pixels | None, info: VideoInfo, frame: Any = None, painter: Painter | None = None) -> None:
        """Of pixels that are RGB already, or of a PyAV frame and who paints it."""
        self._rgb, self._info, self._frame, self._painter = rgb, info, frame, painter

    @classmethod
    def of(cls, frame: Any, painter: Painter, info: VideoInfo) -> "ShownFrame":
        """Of a PyAV frame."""
        return cls(None, info, frame, painter)

    @property
    def shape(self) -> tuple[int, int]:
        """H and W."""
        if self._info.width_px:
            return self._info.height_px, self._info.width_px
        height, width = self.rgb().shape[:2]
        return height, width

    def rgb(self) -> Pixels:
        """The whole picture, in the size of the first frame: in calls and broadcasts it may change within a stream."""
        if self._rgb is None:
            assert self._painter is not None
            self._rgb = _of_size(self._painter.rgb(self._frame), self._info)
        return self._rgb

    def shrunk(self, size_px: tuple[int, int]) -> Pixels | None:
        """The picture at this width and height, each pixel the mean of the area that it covers; None where that is not
        to be had in one pass."""
        if self._painter is None:
            return None
        return self._painter.shrunk(self._frame, size_px, (self._info.width_px, self._info.height_px))


def _of_size(pixels: Pixels, info: VideoInfo) -> Pixels:
    import cv2

    if not info.width_px or pixels.shape[:2] == (info.height_px, info.width_px):
        return pixels
    return np.asarray(cv2.resize(pixels, (info.width_px, info.height_px), interpolation=cv2.INTER_AREA), np.uint8)
