"""Takes still pictures of videos as JPEGs."""

import io
from pathlib import Path

import numpy as np

from pipeline.errors import DecodeError
from pipeline.media.container import open_container, pick_video, reason

WIDTH_PX = 480


def poster(path: Path, at_s: float = 0.0, width_px: int = WIDTH_PX) -> bytes:
    """A JPEG, at most `width_px` wide, of the frame at `at_s`; of the last frame if the video is shorter.

    Only the file around `at_s` is read, so that long files take no longer. Raises DecodeError when there is no frame.
    """
    from PIL import Image

    picture = Image.fromarray(_frame(path, at_s))
    picture.thumbnail((width_px, width_px * 4))
    jpeg = io.BytesIO()
    picture.save(jpeg, "JPEG", quality=80)
    return jpeg.getvalue()


def _frame(path: Path, at_s: float) -> np.ndarray:
    """The frame at `at_s`, (H, W, 3) uint8."""
    import av

    from pipeline.media.decoders import pyav_frames

    with open_container(path) as container:
        if pick_video(container) is None:
            raise DecodeError(f"{path.name}: there is no picture in it")
        if container.duration:
            at_s = min(at_s, container.duration / 1e6)
    try:
        # Without more knowledge of the file the last decodable frame is returned for all later times.
        found = next(pyav_frames(path, np.array([max(at_s, 0.0)])), None)
    except av.error.FFmpegError as error:
        raise DecodeError(f"{path.name}: {reason(error)}") from None
    if found is None:
        raise DecodeError(f"{path.name}: no frame of it can be decoded")
    return found[1]
