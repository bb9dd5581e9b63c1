"""The peers of benchmarks/decoding.py: programs and libraries that read the frames at given times at a given size.

Each is used as its manual says, on one thread, for frames as (N, H, W, 3) RGB. FFmpeg and PyAV shrink by libswscale's
mean of areas, torchcodec by its `Resize`.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Frames = list[NDArray[np.uint8]]


class Asked(NamedTuple):
    """What is asked of a reader."""

    path: Path
    times_s: NDArray[np.float64]
    """(N,) rising: the frame that is shown then."""
    fps: float
    """Their rate."""
    size: tuple[int, int]
    """(width, height)"""


def by_pyav(asked: Asked) -> Frames:
    """A plain loop over all frames, of which the wanted ones are resized and converted."""
    import av
    from av.video.reformatter import VideoReformatter

    frames: Frames = []
    reformatter = VideoReformatter()
    with av.open(str(asked.path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        start_s = (container.start_time or 0) / 1e6
        shown = None
        for frame in container.decode(stream):
            while (
                shown and len(frames) < len(asked.times_s) and asked.times_s[len(frames)] < frame.time - start_s - 1e-4
            ):
                frames.append(_rgb(reformatter, shown, asked.size))
            shown = frame
        frames += [_rgb(reformatter, shown, asked.size) for _ in asked.times_s[len(frames) :]]
    return frames


def _rgb(reformatter: Any, frame: Any, size: tuple[int, int]) -> NDArray[np.uint8]:
    small = reformatter.reformat(frame, *size, format="rgb24", interpolation="AREA", threads=1)
    return np.asarray(small.to_ndarray(), np.uint8)


def by_torchcodec(asked: Asked) -> Frames:
    """`get_frames_played_at`, with the resize in its decoder; approximate seeking, which needs no scan of the file."""
    from torchcodec.decoders import VideoDecoder
    from torchcodec.transforms import Resize

    resize = Resize((asked.size[1], asked.size[0]))
    decoder = VideoDecoder(
        str(asked.path), dimension_order="NHWC", num_ffmpeg_threads=1, seek_mode="approximate", transforms=[resize]
    )
    begin_s, end_s = decoder.metadata.begin_stream_seconds or 0.0, decoder.metadata.end_stream_seconds
    times_s = np.minimum(begin_s + asked.times_s - asked.times_s[0] + 1e-4, (end_s or np.inf) - 1e-4)
    frames = decoder.get_frames_played_at(times_s.tolist()).data
    return list(frames.numpy())


def by_ffmpeg(asked: Asked) -> Frames:
    """The program, which writes raw frames into a pipe."""
    width, height = asked.size
    shown = f"fps={asked.fps:g}:round=up:start_time={asked.times_s[0]:g},scale={width}:{height}:flags=area"
    command = [str(ffmpeg()), "-nostdin", "-v", "error", "-threads", "1", "-i", str(asked.path), "-an", "-sn"]
    command += ["-filter_threads", "1", "-vf", shown, "-frames:v", str(len(asked.times_s))]
    command += ["-pix_fmt", "rgb24", "-f", "rawvideo", "-"]
    frames: Frames = []
    with subprocess.Popen(command, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        while data := running.stdout.read(width * height * 3):
            frames.append(np.frombuffer(data, np.uint8).reshape(height, width, 3))
    return frames


PEERS: dict[str, Callable[[Asked], Frames]] = {"ffmpeg": by_ffmpeg, "PyAV": by_pyav, "torchcodec": by_torchcodec}


def missing() -> dict[str, str]:
    """Peer -> what to install for it, of those that are not here."""
    lacks = {} if ffmpeg() else {"ffmpeg": "the program ffmpeg, or pip install imageio-ffmpeg"}
    if importlib.util.find_spec("torchcodec") is None:
        lacks["torchcodec"] = "pip install torchcodec"
    return lacks


def ffmpeg() -> Path | None:
    """The program of the system, or else that of the package imageio-ffmpeg."""
    if found := shutil.which("ffmpeg"):
        return Path(found)
    if importlib.util.find_spec("imageio_ffmpeg") is None:
        return None
    import imageio_ffmpeg

    return Path(imageio_ffmpeg.get_ffmpeg_exe())


def with_libraries(folder: Path) -> None:
    """Starts the program anew, so that torchcodec finds the FFmpeg that PyAV has brought, under links in the folder.

    The wheel of torchcodec has none of its own, and that of PyAV has names of its own for its libraries.
    """
    import av

    source = Path(av.__file__).parent.with_name("av.libs")
    paths = os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    if str(folder) in paths or not source.is_dir() or importlib.util.find_spec("torchcodec") is None:
        return
    for _, link in _links(source, folder):
        link.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    for library, link in _links(source, folder):
        link.symlink_to(library)
    os.environ["LD_LIBRARY_PATH"] = os.pathsep.join(filter(None, [str(folder), *paths]))
    os.execv(sys.executable, sys.orig_argv)


def _links(source: Path, folder: Path) -> Iterator[tuple[Path, Path]]:
    for library in source.iterdir():
        yield library, folder / library.name
        if named := re.match(r"(lib(?:av|sw)[a-z]+)-[0-9a-f]+(\.so\.\d+)", library.name):
            yield library, folder / "".join(named.groups())
