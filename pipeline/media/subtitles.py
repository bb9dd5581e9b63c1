"""Reads subtitles as single words with times."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import DecodeError
from pipeline.media.container import open_container, reason, subtitle_streams
from pipeline.media.sidecars import sidecar

_TAG = re.compile(r"</?[A-Za-z][^>]*>|<[\d:.]+>|\{[^}]*\}")

_PLAIN_CODECS = frozenset({"subrip", "srt", "webvtt", "text"})
"""Codecs whose packets hold the text itself."""


@dataclass(frozen=True)
class Word:
    """A spoken word with its start and end."""

    text: str
    start_s: float
    end_s: float


def read_words(path: Path) -> list[Word]:
    """The words of the subtitle file beside the video, or else of its first text track; empty when it has neither.

    DecodeError when there are subtitles that cannot be read.
    """
    subtitle_file = sidecar(path)
    with open_container(subtitle_file or path) as container:
        streams = subtitle_streams(container)
        cues = _cues(container, streams[0]) if streams else []
    return [word for text, start_s, end_s in cues for word in spread(text, start_s, end_s)]


def spread(text: str, start_s: float, end_s: float) -> list[Word]:
    """The words of one cue; each gets a share of the cue's time in proportion to its number of characters.

    A cue has times only for the whole sentence. Empty when the text is blank.
    """
    words = text.split()
    num_characters = sum(len(word) for word in words)
    timed, at = [], 0
    for word in words:
        from_s = start_s + (end_s - start_s) * at / num_characters
        at += len(word)
        timed.append(Word(word, from_s, start_s + (end_s - start_s) * at / num_characters))
    return timed


def _cues(container: Any, stream: Any) -> list[tuple[str, float, float]]:
    import av

    cues = []
    try:
        for packet in container.demux(stream):
            if packet.pts is None or packet.size == 0:
                continue
            start_s = float(packet.pts * packet.time_base)
            end_s = start_s + float((packet.duration or 0) * packet.time_base)
            cues += [(text, start_s, end_s) for text in _texts(packet, stream)]
    except (av.error.FFmpegError, IndexError) as error:
        raise DecodeError(f"the subtitles cannot be read: {reason(error)}") from None
    return sorted(cues, key=lambda cue: cue[1])


def _texts(packet: Any, stream: Any) -> list[str]:
    """The plain text of a packet's cues, without markup; empty ones are left out."""
    texts = [_TAG.sub(" ", text.replace(r"\N", " ").replace("\\n", " ")).strip() for text in _dialogues(packet, stream)]
    return [text for text in texts if text]


def _dialogues(packet: Any, stream: Any) -> list[str]:
    """The text of a packet's cues with markup: FFmpeg converts every text format to ASS events, styles included."""
    import av

    try:
        dialogues = [getattr(subtitle, "dialogue", b"") for subtitle in packet.decode()]
    except av.error.FFmpegError:
        if stream.codec_context.name not in _PLAIN_CODECS:
            raise
        return [bytes(packet).decode("cp1252", "replace")]  # FFmpeg decodes only UTF-8; most old files are cp1252
    return [text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text) for text in dialogues]
