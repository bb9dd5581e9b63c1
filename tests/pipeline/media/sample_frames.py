"""Frames that were never in a file, and the formula for their colours."""

import av
import numpy as np

from pipeline.media.picture import Display, Painter


def seen(frame, display=None):
    """The frame as a picture; the stream that it could have come from is one of an FFmpeg codec without padding."""

    class Stream:
        codec_context = av.CodecContext.create("ffv1", "r")

    return Painter(Stream, display or Display()).rgb(frame)


KR_KB = {
    1: (0.2126, 0.0722),  # BT.709
    4: (0.30, 0.11),  # FCC
    5: (0.299, 0.114),  # BT.601
    6: (0.299, 0.114),
    7: (0.212, 0.087),  # SMPTE 240M
    9: (0.2627, 0.0593),  # BT.2020
    10: (0.2627, 0.0593),
}


def rgb_by_formula(y, cb, cr, kr, kb, full):
    """ITU-T H.273, 8.3: from 8-bit Y, Cb and Cr, of full or limited range."""
    luma = y / 255 if full else (y - 16) / 219
    blue, red = ((value - 128) / (255 if full else 224) for value in (cb, cr))
    r, b = luma + 2 * (1 - kr) * red, luma + 2 * (1 - kb) * blue
    return np.clip(255 * np.array([r, (luma - kr * r - kb * b) / (1 - kr - kb), b]), 0, 255)


def flat_frame(size, pixels, values, colorspace, full):
    """A frame of one colour, its 8-bit values scaled to the depth of the format."""
    frame = av.VideoFrame(*size, pixels)
    depth = frame.format.components[0].bits
    for plane, value in zip(frame.planes, values, strict=True):
        plane.update(
            np.full(plane.buffer_size // (1 + (depth > 8)), value << (depth - 8), f"u{1 + (depth > 8)}").tobytes()
        )
    frame.colorspace, frame.color_range = colorspace, 2 if full else 1
    return frame
