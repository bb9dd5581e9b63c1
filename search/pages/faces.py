"""Cuts the picture of a face out of a frame, as a JPEG; nothing of it is written to a disk."""

import io
from dataclasses import dataclass
from pathlib import Path

from search.pages.posters import poster

SIDE_PX, MARGIN = 160, 0.35
"""Of the picture; and how much is shown around the box of the face, as a share of its larger side."""
FRAME_PX = 1280


@dataclass(frozen=True)
class FacePicture:
    """A job: a JPEG of the face in a box of the frame at a second; without a box, of the frame."""

    path: Path
    at_s: float
    box_px: tuple[float, ...] | None
    """Left, top, right, bottom."""
    short_px: int | None
    """Short side of the frame in which the box was found; None: its own size."""

    def __call__(self) -> bytes:
        """The JPEG; DecodeError without a frame."""
        from PIL import Image

        with Image.open(io.BytesIO(poster(self.path, self.at_s, FRAME_PX))) as frame:
            picture = frame.crop(_square(frame.size, self.box_px, self.short_px)) if self.box_px else frame.copy()
        picture.thumbnail((SIDE_PX, SIDE_PX))
        jpeg = io.BytesIO()
        picture.save(jpeg, "JPEG", quality=85)
        return jpeg.getvalue()


def _square(size: tuple[int, int], box_px: tuple[float, ...], short_px: int | None) -> tuple[int, int, int, int]:
    """The square around a box, in pixels of a frame of this size; within the frame, and never empty."""
    scale = min(size) / short_px if short_px else 1.0
    left, top, right, bottom = (side * scale for side in box_px)
    half = max(right - left, bottom - top, 2.0) * (0.5 + MARGIN)
    x, y = (left + right) / 2, (top + bottom) / 2
    x, y = min(max(x, 1.0), size[0] - 1.0), min(max(y, 1.0), size[1] - 1.0)
    return (
        max(0, round(x - half)),
        max(0, round(y - half)),
        min(size[0], round(x + half)),
        min(size[1], round(y + half)),
    )
