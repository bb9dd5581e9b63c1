"""A media file opened by PyAV, and the streams in it that a player would take."""

from fractions import Fraction
from pathlib import Path
from typing import Any

from pipeline.errors import DecodeError

DEFAULT_FPS = Fraction(25)
"""For a stream that does not tell its rate; only decides how long its last frame is shown."""

TEXT_CODECS = frozenset({"subrip", "srt", "ass", "ssa", "mov_text", "webvtt", "text"})


def open_container(path: Path) -> Any:
    """The file opened by PyAV; DecodeError in words when it is no media file."""
    import av

    try:
        # "file:" makes any name a file: "-x.mp4", "concat:a" and "http:b" are legal file names.
        container = av.open(f"file:{path.resolve()}", **_lenient(av.__version__))
    except (av.error.FFmpegError, OSError, ValueError) as error:
        empty = path.exists() and path.stat().st_size == 0
        raise DecodeError(f"{path.name}: {'the file is empty' if empty else reason(error)}") from None
    if container.format.name.endswith("_pipe") or container.format.name == "image2":
        container.close()
        raise DecodeError(f"{path.name}: an image, not a video")
    return container


def _lenient(version: str) -> dict[str, Any]:
    """Titles that are not UTF-8 must not refuse a file; from PyAV 19 on they never do, and nothing can be asked for."""
    return {"metadata_errors": "replace"} if int(version.partition(".")[0]) < 19 else {}


def pick_video(container: Any) -> Any | None:
    """The video stream that a player would show, or None: the best one that is no attached picture (cover art)."""
    import av

    attached = av.stream.Disposition.attached_pic
    shown = [stream for stream in container.streams.video if not stream.disposition & attached]
    best = container.streams.best("video")
    if best in shown:
        return best
    return shown[0] if shown else None


def subtitle_streams(container: Any) -> list[Any]:
    """The subtitle streams that hold text; bitmap ones (DVD, Blu-ray) and unknown ones are left out."""
    known = [stream for stream in container.streams.subtitles if stream.codec_context is not None]
    return [stream for stream in known if stream.codec_context.name in TEXT_CODECS]


def reason(error: BaseException) -> str:
    """An FFmpeg error in its own words, without its number and without the path."""
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).strip()
