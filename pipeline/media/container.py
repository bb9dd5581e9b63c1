"""Opens media files with PyAV and picks the streams that a player would show."""

from fractions import Fraction
from pathlib import Path
from typing import Any

from pipeline.errors import DecodeError
from pipeline.file_kinds import irregular
from pipeline.media.signatures import is_text, is_video, read_head, what_is

DEFAULT_FPS = Fraction(25)
"""For a stream without a frame rate; only decides how long its last frame is shown."""

TEXT_CODECS = frozenset({"subrip", "srt", "ass", "ssa", "mov_text", "webvtt", "text"})


def open_container(path: Path) -> Any:
    """The file as a PyAV container, to be closed by the caller; DecodeError when it is not a video or audio file."""
    import av

    if why := irregular(path):
        raise DecodeError(f"{path.name}: {why}")
    # FFmpeg takes a row of JPEGs for one image, unless it is told what the suffix says.
    named_format = "mjpeg" if path.suffix.lower() in {".mjpeg", ".mjpg"} else None
    try:
        # With "file:" FFmpeg takes any name as a file name: "-x.mp4", "concat:a" and "http:b" are legal ones.
        container = av.open(f"file:{path.resolve()}", format=named_format, **_lenient(av.__version__))
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise DecodeError(f"{path.name}: {_why_not(path, error)}") from None
    is_image = container.format.name.endswith("_pipe") or container.format.name == "image2"
    # FFmpeg shows a .txt as a terminal, and follows a list of other files or addresses.
    if is_image or is_text(read_head(path)):
        container.close()
        raise DecodeError(f"{path.name}: {'an image' if is_image else 'a text file'}, not a video")
    return container


def _why_not(path: Path, error: BaseException) -> str:
    """Why FFmpeg could not open a file, and what the file is where that can be seen."""
    try:
        head = read_head(path)
    except OSError:
        return reason(error)
    kind = "" if is_video(head) else what_is(head)
    return "the file is empty" if not head else f"{kind}, not a video ({reason(error)})" if kind else reason(error)


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


def subtitle_streams(container: Any) -> list[Any]:
    """The subtitle streams that hold text; bitmap subtitles (DVD, Blu-ray) and unknown codecs are left out."""
    known = [stream for stream in container.streams.subtitles if stream.codec_context is not None]
    return [stream for stream in known if stream.codec_context.name in TEXT_CODECS]


def reason(error: BaseException) -> str:
    """The message of an FFmpeg error without its error number and path."""
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).strip()
