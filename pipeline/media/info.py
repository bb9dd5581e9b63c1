"""What is known of a video file before its frames are read."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.media.picture import AS_IT_IS, Display


@dataclass(frozen=True)
class VideoInfo:
    """Properties of a video file, read from its packets; only the first frame is decoded."""

    frame_times_s: NDArray[np.float64]
    """(F,) presentation times, rising; empty when there is no video stream."""
    end_s: float
    """End of the last frame; 0 when there is no video stream."""
    duration_s: float
    """The longer of the video and audio streams."""
    width_px: int
    height_px: int
    """As displayed: pixels made square, rotation applied."""
    has_audio: bool
    has_subtitles: bool
    note: str
    """What is missing in a truncated or damaged file, or that its clock jumps; empty when nothing is to be said."""
    display: Display = AS_IT_IS
    """How the frames are to be shown."""
    seekable: bool = True
    """False where the clock jumps, so that a seek cannot tell where it lands, and where key frames are so rare that
    reading all in order costs less than seeks."""

    is_plain_h264: bool = False
    """Whether it is H.264 that a second decoder shows alike, see second_decoder.py."""

    @property
    def has_video(self) -> bool:
        """Whether there is at least one frame."""
        return len(self.frame_times_s) > 0
