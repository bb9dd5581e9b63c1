"""Colours of decoded frames: which YCbCr matrix they need, and what shows through where they are transparent."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

HD_WIDTH_PX, HD_HEIGHT_PX = 1280, 720

MATRICES = frozenset({1, 4, 5, 6, 7, 9})
"""Values of FFmpeg's AVColorSpace that are obeyed: BT.709, FCC, BT.601 (625 and 525 lines), SMPTE 240M, BT.2020."""

UNTAGGED, BT2020_CONSTANT_LUMINANCE = 2, 10


def matrix_of(frame: Any) -> int | None:
    """The YCbCr matrix for PyAV's reformatter, or None when it finds the right one by itself.

    What the frame is tagged with is obeyed (MATRICES). Frames without a tag, and with one that libswscale lacks (YCgCo,
    ICtCp), are BT.709 from 720 lines or 1280 columns up, and BT.601 below, which is how libswscale takes them. HDR
    (PQ, HLG) is not tone-mapped: it looks pale, as in players that do not know it.
    """
    from av.video.reformatter import Colorspace

    if frame.format.is_rgb or frame.colorspace in MATRICES:
        return None
    if frame.colorspace == BT2020_CONSTANT_LUMINANCE:  # libswscale lacks it too; its coefficients are the same
        return int(Colorspace.BT2020)
    if frame.width >= HD_WIDTH_PX or frame.height >= HD_HEIGHT_PX:
        return int(Colorspace.ITU709)
    return None if frame.colorspace == UNTAGGED else int(Colorspace.ITU601)


def has_alpha(frame: Any) -> bool:
    """Whether pixels of the frame may be transparent."""
    return bool(frame.format.has_palette) or any(component.is_alpha for component in frame.format.components)


def on_black(rgba: Pixels) -> Pixels:
    """The picture (H, W, 4) on black: (H, W, 3).

    The colours are taken as not yet multiplied by alpha, as FFmpeg does; what is hidden under alpha 0 is black.
    """
    import cv2

    alpha = rgba[..., 3]
    rgb = np.ascontiguousarray(rgba[..., :3])
    if alpha.min() == 255:
        return rgb
    return np.asarray(cv2.multiply(rgb, cv2.merge([alpha] * 3), scale=1 / 255), np.uint8)
