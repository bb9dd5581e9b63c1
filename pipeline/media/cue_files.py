"""Reads cues from the text of SubRip, WebVTT and ASS files, also from damaged ones.

Own code, since FFmpeg's reader of WebVTT ends in silence at the first time that it cannot read, pysubs2 takes comments
and names of cues for text, and webvtt-py drops cues with a decimal comma.
"""

import re
from collections.abc import Iterator

from pipeline.errors import DecodeError
from pipeline.media.markup import Cue, plain_cue

_CLOCK = r"(-?)(?:(\d{1,6})\s?:\s?)?(\d{1,6})\s?:\s?(\d{1,6})(?:\s?[.,:]\s?(\d{1,9}))?"
"""Sign, hours, minutes, seconds and fraction, which stands after a third colon in files that were typed by hand."""

_TIMES = re.compile(rf"\s*{_CLOCK}\s*-{{1,3}}>\s*{_CLOCK}")

_HIDDEN_BLOCK = re.compile(r"(?:NOTE|STYLE|REGION)(?:\s|$)")

_EVENT = re.compile(rf"Dialogue:[^,]*,\s*{_CLOCK}\s*,\s*{_CLOCK}\s*,(?:[^,]*,){{6}}(.*)")
"""Layer, start, end, style, name, three margins, effect, text. Events that are a "Comment:" are not shown."""

_IS_ASS = re.compile(r"\[Script Info\]|^Dialogue:[^,\n]*,\s*\d+:\d+:\d", re.MULTILINE)

_RawCue = tuple[str, float, float]
"""Text with markup, start and end in seconds."""


def read_cues(text: str) -> list[Cue]:
    """The cues in the text of a subtitle file, sorted by time; the contents tell the format, not the name.

    A cue that ends before it begins has no length; what lies before the video is left out. Empty when the file is empty
    or has a header alone. DecodeError when there is text but no times.
    """
    is_ass, is_vtt = bool(_IS_ASS.search(text)), text.lstrip().startswith("WEBVTT")
    raw = list(_events(text) if is_ass else _cues(text.replace("\r\r\n", "\n").splitlines(), is_vtt))
    if not raw and text.strip() and not (is_ass or is_vtt):
        raise DecodeError("no line with the times of a subtitle is in it")
    cues = [
        plain_cue(shown, max(start_s, 0.0), max(start_s, end_s), is_ass) for shown, start_s, end_s in raw if end_s >= 0
    ]
    return sorted((cue for cue in cues if cue.words), key=lambda cue: (cue.start_s, cue.end_s))


def _events(text: str) -> Iterator[_RawCue]:
    for line in text.splitlines():
        if event := _EVENT.match(line):
            yield event.group(11), _time_s(event.groups()[:5]), _time_s(event.groups()[5:10])


def _cues(lines: list[str], is_vtt: bool) -> Iterator[_RawCue]:
    """The cues of SubRip or WebVTT. Blank lines need not be where they should."""
    times_s: tuple[float, float] | None = None
    block: list[str] = []
    for line in lines:
        match = _TIMES.match(line) if "->" in line else None
        if match is None:
            block.append(line)
            continue
        if times_s is not None:
            yield _text(_without_name(block, is_vtt), is_vtt), *times_s
        times_s, block = (_time_s(match.groups()[:5]), _time_s(match.groups()[5:])), []
    if times_s is not None:
        yield _text(block, is_vtt), *times_s


def _without_name(lines: list[str], is_vtt: bool) -> list[str]:
    """The lines before the times of the next cue, without its number or, in WebVTT, its name."""
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    is_near, is_number = end == len(lines), end > 0 and lines[end - 1].strip().isdecimal()
    is_apart = end > 1 and not lines[end - 2].strip() and any(line.strip() for line in lines[: end - 1])
    is_name = (is_near and (is_number or (is_vtt and is_apart))) or (is_number and is_apart)
    return lines[: end - 1] if is_name else lines


def _text(lines: list[str], is_vtt: bool) -> str:
    """The text of a cue, without the comments and styles that follow it in WebVTT."""
    shown, is_hidden, was_blank = [], False, False
    for line in lines:
        is_blank = not line.strip()
        if is_blank:
            is_hidden = False
        elif is_vtt and was_blank and _HIDDEN_BLOCK.match(line):
            is_hidden = True
        if not is_hidden:
            shown.append(line)
        was_blank = is_blank
    return "\n".join(shown)


def _time_s(parts: tuple[str | None, ...]) -> float:
    sign, hours, minutes, whole, fraction = parts
    time_s = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(whole or 0) + float(f"0.{fraction or 0}")
    return -time_s if sign else time_s
