"""Converts seconds of a video into a piece of fragmented MP4 (H.264 and AAC) that every browser plays.

Each piece is made on its own, from any second on, so that a player can jump anywhere in a file of hours. Put one after
another they play without a gap: pictures begin at the very second, and sound in frames of the encoder that all pieces
count alike.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DecodeError
from pipeline.media.container import frame_s, open_container, pick_audio, pick_video

MOST_PIXELS = (1280, 720)
MOST_FPS = 30
SOUND_HZ = 48_000
FRAME_SAMPLES = 1024
"""Samples of a frame of AAC."""
WARM_UP_FRAMES = 2
"""Encoded before those that are kept, since the first ones hold what the encoder begins with."""
MOST_BYTES = 32 << 20
VIDEO_BITRATE, SOUND_BITRATE = 4_000_000, 128_000

_FORMAT = {
    "movflags": "frag_keyframe+empty_moov+default_base_moof+frag_discont",
    "use_editlist": "0",
    "avoid_negative_ts": "disabled",
}
# Without B-frames the times of decoding are those of showing, in all pieces alike.
_ENCODER = {"preset": "ultrafast", "crf": "23", "bf": "0", "profile": "main", "maxrate": "4M", "bufsize": "8M"}


@dataclass(frozen=True)
class Segment:
    """A job: the piece of the video in `path` from one second to another, on the clock of the video."""

    path: Path
    from_s: float
    to_s: float
    options: tuple[tuple[str, str], ...] = tuple(_FORMAT.items())
    """Of the container."""
    is_own: bool = False
    """Whether it begins at 0 on its own clock, as a file for itself."""

    def __call__(self) -> bytes:
        """The piece as MP4; DecodeError where nothing of it can be decoded."""
        with open_container(self.path) as container:
            stream, has_sound = pick_video(container), pick_audio(container) is not None
            if stream is None:
                raise DecodeError(f"{self.path.name}: there is no picture in it")
            fps = max(1, min(MOST_FPS, round(1 / frame_s(stream))))
        file = io.BytesIO()
        self._write(file, fps, has_sound)
        if file.tell() > MOST_BYTES:
            raise DecodeError(f"{self.path.name}: these seconds take more than {MOST_BYTES >> 20} MB")
        return file.getvalue()

    def _write(self, file: io.BytesIO, fps: int, has_sound: bool) -> None:
        import av

        pictures = self._pictures(fps)
        first = next(pictures, None)
        if first is None:
            raise DecodeError(f"{self.path.name}: no frame of these seconds can be decoded")
        with av.open(file, "w", format="mp4", options=dict(self.options)) as output:
            video: Any = output.add_stream("libx264", rate=fps)
            video.width, video.height = _fitting(first[1].shape[1], first[1].shape[0])
            video.pix_fmt, video.bit_rate = "yuv420p", VIDEO_BITRATE
            video.options = _ENCODER | {"g": str(2 * fps)}
            sound: Any = None
            if has_sound:
                sound = output.add_stream("aac", rate=SOUND_HZ, layout="mono")
                sound.bit_rate = SOUND_BITRATE
            shift = self.from_s if self.is_own else 0.0
            for number, pixels in _all(first, pictures):
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                frame = frame.reformat(video.width, video.height, "yuv420p", dst_colorspace="ITU601")
                frame.pts, frame.time_base = number - round(shift * fps), Fraction(1, fps)
                output.mux(video.encode(frame))
            output.mux(video.encode())
            if sound is not None:
                for packet in self._encoded(sound, round(shift * SOUND_HZ / FRAME_SAMPLES)):
                    output.mux(packet)

    def _pictures(self, fps: int) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """(number of the frame, counted from the beginning of the video, RGB)."""
        from pipeline.media.decoders import pyav_frames

        numbers = np.arange(round(self.from_s * fps), max(round(self.to_s * fps), round(self.from_s * fps) + 1))
        for index, pixels in pyav_frames(self.path, numbers / fps):
            yield int(numbers[index]), pixels

    def _encoded(self, stream: Any, shift: int) -> Iterator[Any]:
        """The packets of the sound; of silence where it cannot be decoded. `shift`: AAC frames before the piece."""
        import av

        from pipeline.media.audio import read_audio

        first = int(self.from_s * SOUND_HZ) // FRAME_SAMPLES
        stop = max(int(self.to_s * SOUND_HZ) // FRAME_SAMPLES, first + 1)
        begin = max(0, first - WARM_UP_FRAMES)
        wanted = (stop + 1 - begin) * FRAME_SAMPLES
        samples = np.zeros(wanted, np.float32)
        try:
            heard = read_audio(
                self.path, SOUND_HZ, begin * FRAME_SAMPLES / SOUND_HZ, (stop + 1) * FRAME_SAMPLES / SOUND_HZ
            )
            samples[: len(heard)] = heard[:wanted]
        except DecodeError:
            pass
        for index in range(0, wanted, FRAME_SAMPLES):
            frame = av.AudioFrame.from_ndarray(
                samples[None, index : index + FRAME_SAMPLES], format="fltp", layout="mono"
            )
            frame.sample_rate = SOUND_HZ
            frame.pts, frame.time_base = begin * FRAME_SAMPLES + index, Fraction(1, SOUND_HZ)
            yield from _kept(stream.encode(frame), first, stop, shift)
        yield from _kept(stream.encode(), first, stop, shift)


def _kept(packets: list[Any], first: int, stop: int, shift: int) -> Iterator[Any]:
    """Those of the AAC frames from `first` to `stop`."""
    for packet in packets:
        if packet.pts is not None and first <= packet.pts // FRAME_SAMPLES < stop:
            packet.pts = packet.dts = packet.pts - shift * FRAME_SAMPLES
            yield packet


def _all(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest


def _fitting(width: int, height: int) -> tuple[int, int]:
    """The size of the converted picture: not enlarged, within MOST_PIXELS whichever way it stands, and even."""
    most = MOST_PIXELS if width >= height else MOST_PIXELS[::-1]
    scale = min(1.0, most[0] / width, most[1] / height)
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)
