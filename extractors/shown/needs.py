"""What an expert may ask to be shown of a video: frames at a rate, frames spread evenly, sound, words, or several."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from pipeline.media.audio import Resampler

ResizeMethod: TypeAlias = Literal["area", "bilinear", "bicubic", "bilinear_float"]
CropOffset: TypeAlias = Literal["round", "floor"]


@dataclass(frozen=True)
class FrameNeed:
    """Frames sampled at times k / fps, k = 0, 1, ..., counted from the first frame of the video."""

    fps: float
    short_px: int | None = None
    """Short side after a resize that keeps the aspect ratio, unless it is above 8 to 1 (see `resize_frame`); None:
    native size."""
    window: int = 1
    """Frames in an item."""
    stride: int = 1
    """Frames from the start of one item to the start of the next."""
    resize: ResizeMethod = "area"
    """area: the mean of the area that a pixel covers (see `resize_shown`); bilinear, bicubic: Pillow's, with which
    networks are usually trained; bilinear_float: torch's `interpolate` in mode bilinear, which does not smooth before
    it shrinks, without rounding to 8 bits."""
    crop_px: int | None = None
    """Side of the square that is cropped from the centre after the resize; None: no crop."""
    size_px: tuple[int, int] | None = None
    """(height, width) after a resize that does not keep the aspect ratio, in place of `short_px`."""
    crop_offset: CropOffset = "round"
    """Where the crop begins if the margin is odd: round, as torchvision (half to even), or floor."""
    margin: int | None = None
    """Frames of context at each end of an item, which stands for the `stride` frames between; every frame of the video
    is then in the middle of one item, and beyond the ends of the video its first and last frame are repeated. None: an
    item stands for all its frames, and there is none that would reach beyond the end."""


SpreadAt: TypeAlias = Literal["start", "middle", "ends", "nearest_ends"]


@dataclass(frozen=True)
class SpreadNeed:
    """So many frames, spread evenly over the whole video or over each clip of it, as zero-shot protocols take them.

    An item is the frames of one clip. Of the F frames of a clip, those with the numbers (rounded down)

    - start: k F / N, the first of N equal pieces, as transformers samples a video;
    - middle: (k + 1/2) F / N, the middle of N equal pieces;
    - ends: k (F - 1) / (N - 1), from the first to the last, as PE-AV's processor samples;
    - nearest_ends: as ends but rounded to the nearest, half to even, as Qwen3-VL's processor samples

    are taken for k = 0 ... N - 1: where F < N, some of them several times.
    """

    num_frames: int
    """N"""
    clip_s: float | None = None
    """Length of a clip. Clips begin at multiples of it, counted from time 0 of the file as sound is; frames belong to
    the clip in which they begin. A last clip of which less than half is in the video is dropped, unless it is the
    first. None: one clip, from the first frame to the last."""
    at: SpreadAt = "middle"
    short_px: int | None = None
    """This and the following: as in a FrameNeed."""
    resize: ResizeMethod = "area"
    crop_px: int | None = None
    size_px: tuple[int, int] | None = None
    crop_offset: CropOffset = "round"

    @property
    def window(self) -> int:
        """Frames in an item."""
        return self.num_frames


@dataclass(frozen=True)
class AudioNeed:
    """Mono audio in items of `window_s`, one every `hop_s`; the last items are padded with silence."""

    rate_hz: int
    window_s: float
    hop_s: float
    resampler: Resampler = "soxr"
    least_s: float | None = None
    """Items with less audio than this before the padding are dropped, except the first; None: half of `window_s`."""


@dataclass(frozen=True)
class SubtitleNeed:
    """Words of the subtitle file beside the video, or of a track in it; an item is one word."""

    language: str = ""
    """Which of several subtitles are preferred, as a code or a name; empty: English ones, or the default track."""


@dataclass(frozen=True)
class NameNeed:
    """Which video it is; the one item is all of it, and its word where it begins in its file, a blank, and the path."""


@dataclass(frozen=True)
class JointNeed:
    """Frames together with the sound, the words, or both, that belong to them; the items are those of the frames.

    An item has the window of sound that goes on when the item begins (of windows that begin together with clips: the
    one that begins with it), and the words that begin within it.
    """

    frames: FrameNeed | SpreadNeed
    sound: AudioNeed | None = None
    words: SubtitleNeed | None = None


Need = FrameNeed | SpreadNeed | AudioNeed | SubtitleNeed | NameNeed | JointNeed


def means_areas(need: Need) -> bool:
    """Whether a need is shown frames that are resized by the mean of areas."""
    frames = need.frames if isinstance(need, JointNeed) else need
    if not isinstance(frames, FrameNeed | SpreadNeed) or frames.resize != "area":
        return False
    return frames.short_px is not None or frames.size_px is not None
