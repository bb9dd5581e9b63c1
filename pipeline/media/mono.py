"""Mixes decoded audio frames to one channel."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

PLAIN_LAYOUTS = frozenset({"mono", "stereo", "downmix", "1 channels", "2 channels"})
"""Their mean is taken: a sound that both channels share keeps its level, as audio networks were shown it. FFmpeg's own
downmix of them is the same but for its level."""

MAX_LEVEL = 16.0
"""Float samples beyond this are no sound: at most 5 times full scale come from a downmix of eight loud channels."""


class MonoMixer:
    """Mixes frame after frame; the format, the layout and the rate may change from one to the next.

    More than two channels are mixed by libswresample as `ffmpeg -ac 1` does: the weights are those of ITU-R BS.775,
    centre 1, left and right 0.707, surround 0.5, low frequencies 0, so that speech in the centre is as loud as in a
    mono file. Channels without known places have the places that FFmpeg takes for their number; where it knows none
    for it, their mean is taken. Of an ambisonic sound the first channel is taken, which has no direction.
    """

    def __init__(self) -> None:
        self.num_invalid = 0
        """Samples that were no numbers, or infinite: silence stands in their place."""
        self.num_clipped = 0
        """Samples that were beyond MAX_LEVEL, and were set to it."""
        self._kind: tuple[str, str, int] | None = None
        self._converter: Any = None
        self._ffmpeg_mixes = False

    def mix(self, frame: Any) -> NDArray[np.float32]:
        """(S,) samples of an `av.AudioFrame`, finite, in -1..1 unless the recording goes beyond; FFmpegError if none.

        The sample rate stays that of the frame.
        """
        kind = frame.format.name, frame.layout.name, frame.sample_rate
        if kind == self._kind:
            converted = self._converter.resample(frame)
        else:
            self._kind = None  # while there is no converter for it
            converted = self._first_of_kind(frame)
            self._kind = kind
        # Packed, not planar: PyAV 18 crashes on the planes of eight channels and more.
        channels = np.concatenate([part.to_ndarray().reshape(-1, part.layout.nb_channels) for part in converted])
        with np.errstate(over="ignore", invalid="ignore"):
            return self._audible(self._mixed(channels, frame.layout.name))

    def _first_of_kind(self, frame: Any) -> list[Any]:
        import av
        from av.audio.resampler import AudioResampler

        self._ffmpeg_mixes = frame.layout.name not in PLAIN_LAYOUTS and not frame.layout.name.startswith("ambisonic")
        if self._ffmpeg_mixes:
            try:
                self._converter = AudioResampler(format="flt", layout="mono")
                return list(self._converter.resample(frame))
            except (av.error.FFmpegError, ValueError):  # it has no weights for this number of channels
                self._ffmpeg_mixes = False
        self._converter = AudioResampler(format="flt")
        return list(self._converter.resample(frame))

    def _mixed(self, channels: NDArray[np.float32], layout: str) -> NDArray[np.float32]:
        if self._ffmpeg_mixes or layout.startswith("ambisonic"):
            return channels[:, 0].copy()
        return np.asarray(channels.mean(axis=1, dtype=np.float32))

    def _audible(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        invalid = ~np.isfinite(samples)
        if invalid.any():
            self.num_invalid += int(invalid.sum())
            samples[invalid] = 0
        beyond = np.abs(samples) > MAX_LEVEL
        if beyond.any():
            self.num_clipped += int(beyond.sum())
            samples = np.clip(samples, -MAX_LEVEL, MAX_LEVEL)
        return samples
