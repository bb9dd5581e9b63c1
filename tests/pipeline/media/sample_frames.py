"""Frames that were never in a file, and the formula for their colours."""

from fractions import Fraction

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


def ycbcr_frame(rgb, pixels, colorspace, full=False):
    """The picture (H, W, 3) as a frame of planes, by the inverse of `rgb_by_formula`; one that is tagged 2 ("unknown")
    is BT.709 from 720 lines up, and BT.601 below. Chroma lies in the middle of its pixels."""
    kr, kb = KR_KB[colorspace if colorspace != 2 else 1 if rgb.shape[0] >= 720 else 5]
    r, g, b = np.moveaxis(rgb.astype(np.float32) / 255, -1, 0)
    luma = kr * r + (1 - kr - kb) * g + kb * b
    chroma = [(b - luma) / (1 - kb) / 2, (r - luma) / (1 - kr) / 2]
    levels = [luma * (255 if full else 219) + (0 if full else 16)]
    frame = av.VideoFrame(rgb.shape[1], rgb.shape[0], pixels)
    if len(frame.planes) > 1:
        levels += [_sited(part, frame.planes[1], luma.shape) * (255 if full else 224) + 128 for part in chroma]
    depth = frame.format.components[0].bits
    for plane, level in zip(frame.planes, levels, strict=True):
        rows = np.zeros((plane.height, plane.line_size // (1 + (depth > 8))), f"u{1 + (depth > 8)}")
        rows[:, : plane.width] = np.clip((level * 2.0 ** (depth - 8)).round(), 0, 2**depth - 1)
        plane.update(rows.tobytes())
    frame.colorspace, frame.color_range = colorspace, 2 if full else 1
    return frame


def _sited(chroma, plane, shape):
    """The mean of each group of pixels that has one sample in common; at the edges there may be less of them."""
    height, width = shape
    across, down = -(-width // plane.width), -(-height // plane.height)
    padded = np.pad(chroma, ((0, plane.height * down - height), (0, plane.width * across - width)), mode="edge")
    return padded.reshape(plane.height, down, plane.width, across).mean(axis=(1, 3))


def mean_of_areas(rgb, size_px):
    """The picture at this width and height, each pixel the mean of the area that it covers, without rounding."""
    weights = [_overlaps(*lengths) for lengths in zip(rgb.shape[:2], size_px[::-1], strict=True)]
    return np.einsum("yi,ijc,xj->yxc", weights[0], rgb.astype(np.float64), weights[1], optimize=True)


def _overlaps(length, small):
    """(small, length), the share of each old pixel in a new one."""
    edges = np.arange(small + 1) * length / small
    old = np.arange(length)
    over = np.minimum(edges[1:, None], old + 1) - np.maximum(edges[:-1, None], old)
    return np.maximum(over, 0) * small / length


def flagged(frame, fields):
    """The frame with the flags of interlaced ones: tff or bff (top or bottom field first)."""
    graph = av.filter.Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 25))
    sink = graph.add("buffersink")
    graph.link_nodes(source, graph.add("setfield", fields), sink).configure()
    source.push(frame)
    return sink.pull()
