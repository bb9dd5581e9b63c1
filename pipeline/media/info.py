"""What is known of a video file before its frames are read."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.media.picture import AS_IT_IS, Display

SAME_S = 5e-4
"""Frame times that differ by less are the same: containers round to a millisecond."""


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

    tells_times: bool = False
    """Whether each packet of the video tells the time of its own frame for certain, see `packets.tells_times`."""

    comes_in_order: bool = False
    """Whether frames are decoded in the order of their times and none is left out, see `packets.comes_in_order`."""

    is_plain_h264: bool = False
    """Whether it is H.264 that a second decoder shows alike, see second_decoder.py."""

    @property
    def has_video(self) -> bool:
        """Whether there is at least one frame."""
        return len(self.frame_times_s) > 0

    def cut(self, start_s: float, end_s: float) -> "VideoInfo":
        """The same of a piece of the file, whose times count from its start.

        Its first frame is the one that is shown at its start; there is none where the picture ends before. A sound that
        ends before is that of a file whose sound is empty.
        """
        times_s = self.frame_times_s
        first = max(0, int(np.searchsorted(times_s, start_s + SAME_S, side="right")) - 1)
        stop = int(np.searchsorted(times_s, end_s - SAME_S, side="left"))
        shown = times_s[first:stop] if self.end_s > start_s + SAME_S else times_s[:0]
        end_of_picture_s = min(self.end_s, end_s) - start_s if len(shown) else 0.0
        return replace(
            self, frame_times_s=np.maximum(shown - start_s, 0.0), end_s=end_of_picture_s, duration_s=end_s - start_s
        )
