"""Mixes decoded audio frames to one channel."""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

PLAIN_LAYOUTS = frozenset({"mono", "stereo", "downmix", "1 channels", "2 channels"})
"""Their mean is taken: a sound that both channels share keeps its level, as audio networks were shown it. FFmpeg's own
downmix of them is the same but for its level."""

MAX_LEVEL = 16.0
"""Float samples beyond this are no sound: at most 5 times full scale come from a downmix of eight loud channels."""


@dataclasses.dataclass(frozen=True)
class Mixed:
    """One channel of sound."""

    samples: NDArray[np.float32]
    """(S,), finite, in -1..1 unless the recording goes beyond."""
    num_invalid: int = 0
    """Samples that were no numbers, or infinite: silence stands in their place."""
    num_clipped: int = 0
    """Samples that were beyond MAX_LEVEL, and were set to it."""


class MonoMixer:
    """Mixes frame after frame; the format, the layout and the rate may change from one to the next.

    More than two channels are mixed by libswresample as `ffmpeg -ac 1` does: the weights are those of ITU-R BS.775,
    centre 1, left and right 0.707, surround 0.5, low frequencies 0, so that speech in the centre is as loud as in a
    mono file. Channels without known places have the places that FFmpeg takes for their number; where it knows none
    for it, their mean is taken. Of an ambisonic sound the first channel is taken, which has no direction.
    """

    def __init__(self) -> None:
        self._kind: tuple[str, str, int] | None = None
        self._converter: Any = None
        self._ffmpeg_mixes = False

    def mix(self, frame: Any) -> Mixed:
        """The samples of an `av.AudioFrame`, at its own rate; FFmpegError or ValueError when it cannot be mixed."""
        kind = frame.format.name, frame.layout.name, frame.sample_rate
        if kind == self._kind:
            converted = self._converter.resample(frame)
        else:
            self._kind = None  # while there is no converter for it
            converted = self._first_of_kind(frame)
            self._kind = kind
        # Packed, not planar: PyAV 18 crashes on the planes of eight channels and more.
        parts = [part.to_ndarray().reshape(-1, part.layout.nb_channels) for part in converted]
        channels = parts[0] if len(parts) == 1 else np.concatenate(parts)
        with np.errstate(over="ignore", invalid="ignore"):
            return _audible(self._mixed(channels, frame.layout.name))

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
        mean = channels.mean(axis=1, dtype=np.float32) if channels.shape[1] > 1 else channels[:, 0].copy()
        return np.asarray(mean)


def _audible(samples: NDArray[np.float32]) -> Mixed:
    if not len(samples) or (samples.min() >= -MAX_LEVEL and samples.max() <= MAX_LEVEL):
        return Mixed(samples)  # a minimum that is no number is not above anything
    invalid = ~np.isfinite(samples)
    samples[invalid] = 0
    beyond = np.abs(samples) > MAX_LEVEL
    return Mixed(np.clip(samples, -MAX_LEVEL, MAX_LEVEL), int(invalid.sum()), int(beyond.sum()))
