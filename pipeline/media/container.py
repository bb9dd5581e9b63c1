"""Opens media files with PyAV and picks the streams that a player would show."""

from fractions import Fraction
from pathlib import Path
from typing import Any

from pipeline.errors import DecodeError, OutageError, RemoteError
from pipeline.file_kinds import irregular
from pipeline.media.signatures import is_text, is_video, read_head, what_is
from pipeline.remote_files.files import open_binary, size_of, small_on_disk

DEFAULT_FPS = Fraction(25)
"""For a stream without a frame rate; only decides how long its last frame is shown."""

LONGEST_FRAME_S = 3600.0
"""Rates of damaged headers show a frame for longer, up to a century."""

TEXT_CODECS = frozenset({"subrip", "srt", "ass", "ssa", "mov_text", "webvtt", "text"})

_TEXTS = {".srt", ".vtt", ".ass", ".ssa"}
"""Suffixes of files that are text and opened all the same: subtitles."""

_INVALID = "Invalid data found when processing input"
"""As FFmpeg says it."""


def open_container(path: Path) -> Any:
    """The file as a PyAV container, to be closed by the caller; DecodeError when it is not a video or audio file."""
    import av

    if why := irregular(path):
        raise DecodeError(f"{path.name}: {why}")
    head = _head(path)
    if is_text(head) and path.suffix.lower() not in _TEXTS:
        # FFmpeg would follow a list of other files or addresses, and show plain text as a terminal does.
        raise DecodeError(f"{path.name}: {_INVALID}: {what_is(head)}, not a video")
    # FFmpeg takes a row of JPEGs for one image, unless it is told what the suffix says.
    named_format = "mjpeg" if path.suffix.lower() in {".mjpeg", ".mjpg"} else None
    try:
        # With "file:" FFmpeg takes any name as a file name: "-x.mp4", "concat:a" and "http:b" are legal ones.
        near = small_on_disk(path)
        source = open_binary(path) if near is None else f"file:{near.resolve()}"
        container = av.open(source, format=named_format, **_lenient(av.__version__))
    except OutageError:
        raise
    except RemoteError as error:
        raise DecodeError(str(error)) from None
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise DecodeError(f"{path.name}: {_why_not(path, head, error)}") from None
    if container.format.name.endswith("_pipe") or container.format.name == "image2":
        container.close()
        raise DecodeError(f"{path.name}: an image, not a video")
    return container


def _why_not(path: Path, head: bytes, error: BaseException) -> str:
    """Why FFmpeg could not open a file, and what the file is where that can be seen."""
    if not head:
        return "the file is empty" if path.exists() and size_of(path) == 0 else reason(error)
    kind = "" if is_video(head) or path.suffix.lower() in _TEXTS else what_is(head)
    return f"{reason(error)}: {kind}, not a video" if kind else reason(error)


def _head(path: Path) -> bytes:
    """The first bytes of a file; none where it cannot be read, which FFmpeg will say."""
    try:
        return read_head(path)
    except OutageError:
        raise
    except RemoteError as error:
        raise DecodeError(str(error)) from None
    except OSError:
        return b""


def _lenient(version: str) -> dict[str, Any]:
    """Options with which PyAV opens files whose metadata is not UTF-8; from PyAV 19 on it does so without an option."""
    return {"metadata_errors": "replace"} if int(version.partition(".")[0]) < 19 else {}


def pick_video(container: Any) -> Any | None:
    """FFmpeg's best video stream that is not an attached picture (cover art), or None."""
    import av

    attached = av.stream.Disposition.attached_pic
    candidates = [stream for stream in container.streams.video if not stream.disposition & attached]
    best = container.streams.best("video")
    if best in candidates:
        return best
    return candidates[0] if candidates else None


def pick_audio(container: Any) -> Any | None:
    """FFmpeg's best audio stream, the default one first, among those that it can decode, or None."""
    candidates = [stream for stream in container.streams.audio if stream.codec_context is not None]
    best = container.streams.best("audio")
    if best in candidates:
        return best
    return candidates[0] if candidates else None


def frame_s(stream: Any, longest_s: float = LONGEST_FRAME_S) -> float:
    """How long a video stream shows a frame by its rate, in seconds; by DEFAULT_FPS without one, or with nonsense."""
    rate = stream.average_rate
    return float(1 / (rate if rate and rate * longest_s >= 1 else DEFAULT_FPS))


def subtitle_streams(container: Any) -> list[Any]:
    """The subtitle streams that hold text; bitmap subtitles (DVD, Blu-ray) and unknown codecs are left out."""
    known = [stream for stream in container.streams.subtitles if stream.codec_context is not None]
    return [stream for stream in known if stream.codec_context.name in TEXT_CODECS]


def reason(error: BaseException) -> str:
    """The message of an FFmpeg error without its error number and path."""
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).strip()


def is_of_machine(error: BaseException) -> bool:
    """Whether an error is a fault of the machine, which lacks memory, a library or the network, and not of the file.

    FFmpeg lacks memory wherever a damaged header asks for too much: its errors, which are also of the type MemoryError,
    are faults of the file.
    """
    import av

    return isinstance(error, MemoryError | ImportError | OutageError) and not isinstance(error, av.error.FFmpegError)
