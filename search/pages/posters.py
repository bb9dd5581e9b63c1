"""Takes still pictures of videos as JPEGs: of a second, or the most telling one around it."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DecodeError
from pipeline.media.container import open_container, pick_video, reason

WIDTH_PX = 480
AROUND_S = (-0.5, 0.0, 0.5, 1.0, 1.5)
"""Seconds before and after a moment at which is looked for a telling picture."""
ELSEWHERE = (0.3, 0.5, 0.7, 0.15, 0.85)
"""Parts of a video at which is looked where nothing around the moment can be made out."""
BEFORE_END_S = 0.04
"""A picture of a clip is taken so much before its end, where the next one may begin."""
LOOKED_AT_PX = 240
DARK, FLAT = 40.0, 16.0
"""Highest brightness, and its range, 0..255, below which nothing can be made out: black, or a fade."""
FAR = 0.3
"""Part of its score that a picture loses at the farthest of AROUND_S."""

Picture = NDArray[np.uint8]
"""(H, W, 3), RGB"""


@dataclass(frozen=True)
class Telling:
    """A job: a JPEG of the most telling picture around a second of a file, within a span of it."""

    path: Path
    at_s: float
    width_px: int = WIDTH_PX
    within_s: tuple[float, float] = (0.0, np.inf)

    def __call__(self) -> bytes:
        """The JPEG; DecodeError when there is no frame."""
        return _jpeg(telling(self.path, self.at_s, self.within_s), self.width_px)


def poster(path: Path, at_s: float = 0.0, width_px: int = WIDTH_PX) -> bytes:
    """A JPEG, at most `width_px` wide, of the frame at `at_s`; of the last frame if the video is shorter.

    Only the file around `at_s` is read, so that long files take no longer. Raises DecodeError when there is no frame.
    """
    duration_s = _duration_s(path)
    times_s = [max(0.0, min(at_s, duration_s) if duration_s else at_s)]
    found = next(_frames(path, times_s), None)
    if found is None:
        raise DecodeError(f"{path.name}: no frame of it can be decoded")
    return _jpeg(found[1], width_px)


def telling(path: Path, at_s: float, within_s: tuple[float, float] = (0.0, np.inf)) -> Picture:
    """The most telling picture around `at_s`: never a black one or a fade, if there is any other in the span.

    The one with the highest `score`, less for those further from `at_s`; the frame at `at_s` where none has a score.
    Raises DecodeError when there is no frame.
    """
    duration_s = _duration_s(path)
    begin_s, last_s = (
        within_s[0],
        min(duration_s if duration_s else np.inf, max(within_s[0], within_s[1] - BEFORE_END_S)),
    )
    at_s = max(begin_s, min(at_s, last_s))
    around = sorted({min(max(begin_s, at_s + offset), last_s) for offset in AROUND_S})
    best, best_score, nearest, least_s = None, 0.0, None, np.inf
    for index, pixels in _frames(path, around):
        away_s = abs(around[index] - at_s)
        if away_s < least_s:
            nearest, least_s = pixels, away_s
        if (found := score(pixels) * (1 - FAR * away_s / max(AROUND_S))) > best_score:
            best, best_score = pixels, found
    if best is None and last_s < np.inf:
        best = next((pixels for pixels in _one_by_one(path, begin_s, last_s) if score(pixels) > 0), nearest)
    if best is None and nearest is None:
        raise DecodeError(f"{path.name}: no frame of it can be decoded")
    return nearest if best is None else best  # type: ignore[return-value]


def score(pixels: Picture) -> float:
    """How much there is to see in a picture: its sharpness times its colourfulness; 0 for a black or flat one.

    Sharpness: the standard deviation of the Laplacian of its brightness (Pech-Pacheco et al., 2000). Colourfulness: as
    Hasler and Süsstrunk (2003) measure it, plus 10, as a picture without colour may show something too.
    """
    import cv2

    width = min(LOOKED_AT_PX, pixels.shape[1])
    small = cv2.resize(
        pixels, (width, max(1, round(pixels.shape[0] * width / pixels.shape[1]))), interpolation=cv2.INTER_AREA
    )
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    low, high = np.percentile(grey, (2, 98))
    if high < DARK or high - low < FLAT:
        return 0.0
    red, green, blue = np.moveaxis(small.astype(np.float64), -1, 0)
    first, second = red - green, (red + green) / 2 - blue
    colourfulness = np.hypot(first.std(), second.std()) + 0.3 * np.hypot(first.mean(), second.mean())
    return float(cv2.Laplacian(grey, cv2.CV_64F).std() * (10 + colourfulness))


def _one_by_one(path: Path, begin_s: float, last_s: float) -> Iterator[Picture]:
    for part in ELSEWHERE:
        for _, pixels in _frames(path, [begin_s + part * (last_s - begin_s)]):
            yield pixels


def _jpeg(pixels: Picture, width_px: int) -> bytes:
    from PIL import Image

    picture = Image.fromarray(pixels)
    picture.thumbnail((width_px, width_px * 4))
    jpeg = io.BytesIO()
    picture.save(jpeg, "JPEG", quality=80)
    return jpeg.getvalue()


def _duration_s(path: Path) -> float:
    """The duration as the container says it; 0 where it does not. DecodeError without a picture."""
    with open_container(path) as container:
        if pick_video(container) is None:
            raise DecodeError(f"{path.name}: there is no picture in it")
        return float(container.duration or 0) / 1e6


def _frames(path: Path, times_s: list[float]) -> Iterator[tuple[int, Picture]]:
    """(index into the rising times, frame) of those that can be decoded; DecodeError where FFmpeg gives up."""
    import av

    from pipeline.media.decoders import pyav_frames

    try:
        # Without more knowledge of the file the last decodable frame is returned for all later times.
        yield from pyav_frames(path, np.array(times_s))
    except av.error.FFmpegError as error:
        raise DecodeError(f"{path.name}: {reason(error)}") from None
