"""Still pictures of videos."""

import io
from pathlib import Path

import numpy as np

WIDTH_PX = 480


def poster(path: Path, at_s: float = 0.0, width_px: int = WIDTH_PX) -> bytes:
    """A JPEG of the frame that is shown at `at_s`, at most `width_px` wide; DecodeError when there is none."""
    from PIL import Image

    from pipeline.errors import DecodeError
    from pipeline.video import frames_at, probe

    info = probe(path)
    if not info.has_video:
        raise DecodeError(f"{path}: there is no picture in it")
    last_s = float(info.frame_times_s[-1])
    _, frame = next(iter(frames_at(path, np.array([min(max(at_s, 0.0), last_s)]), info)))
    picture = Image.fromarray(frame)
    picture.thumbnail((width_px, width_px * 4))
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=80)
    return written.getvalue()
