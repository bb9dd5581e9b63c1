"""Reads the cues of the subtitle tracks inside a video."""

from dataclasses import dataclass
from typing import Any

from pipeline.errors import DecodeError
from pipeline.media.container import reason, subtitle_streams
from pipeline.media.markup import Cue, plain_cue
from pipeline.media.timeline import packets
from pipeline.texts.encodings import decode_text
from pipeline.texts.languages import Kind, flags_in, language_code

_ASS = frozenset({"ass", "ssa"})
_BOMS = (b"\xfe\xff", b"\xff\xfe")


@dataclass(frozen=True)
class Track:
    """A text track of a container."""

    number: int
    """From 1, among the text tracks of the file."""
    kind: Kind
    stream: Any

    @property
    def name(self) -> str:
        """For people, e.g. "track 2 (en, forced)"."""
        said = ", ".join(filter(None, [self.kind.language, *sorted(self.kind.flags)]))
        return f"track {self.number}" + (f" ({said})" if said else "")


def text_tracks(container: Any) -> list[Track]:
    """The text tracks of an open container, in file order."""
    return [Track(number, _kind(stream), stream) for number, stream in enumerate(subtitle_streams(container), 1)]


def ranked_tracks(tracks: list[Track], language: str = "") -> list[Track]:
    """The best first: in the `language` if one is asked for, else the one that the file marks as its default.

    Forced ones and commentaries are last, those with sounds described after plain ones. Of what is left, English first,
    for the reason in `sidecars.ranked`.
    """

    def rank(track: Track) -> tuple[object, ...]:
        kind = track.kind
        return (*kind.rank(language), kind.burden, "default" not in kind.flags, kind.rank("en")[2], track.number)

    return sorted(tracks, key=rank)


def read_track(container: Any, track: Track) -> tuple[list[Cue], str]:
    """The cues, sorted by time, from the start of the video on; and what is to be said of them, or empty.

    DecodeError when there are none because the file is damaged.
    """
    import av

    raw, note = [], ""
    try:
        for packet in packets(container, track.stream, from_start=True):
            if packet.pts is not None and packet.size:
                start_s = float(packet.pts * packet.time_base)
                raw.append(
                    (_payload(bytes(packet), track.stream), start_s, float((packet.duration or 0) * packet.time_base))
                )
    except (av.error.FFmpegError, IndexError) as error:
        if not raw:
            raise DecodeError(f"the subtitles cannot be read: {reason(error)}") from None
        note = f"the subtitles cannot be read to their end: {reason(error)}"
    _, encoding = decode_text(b"\n".join(payload for payload, *_ in raw), track.kind.language)
    if encoding != "utf-8":
        note = "; ".join(filter(None, [f"subtitles read as {encoding}", note]))
    is_ass = track.stream.codec_context.name in _ASS
    cues = [
        plain_cue(payload.decode(encoding, "replace"), max(start_s, 0.0), max(start_s + length_s, 0.0), is_ass)
        for payload, start_s, length_s in raw
        if start_s + length_s >= 0
    ]
    return sorted((cue for cue in cues if cue.words), key=lambda cue: (cue.start_s, cue.end_s)), note


def _payload(data: bytes, stream: Any) -> bytes:
    """The text with markup, which stands behind other fields in ASS, and before boxes of styles in .mp4."""
    codec = stream.codec_context.name
    if codec in _ASS:
        fields = 9 if data.startswith(b"Dialogue:") else 8
        return data.split(b",", fields)[-1]
    if codec == "mov_text":
        text = data[2 : 2 + int.from_bytes(data[:2], "big")]
        return text.decode("utf-16", "replace").encode() if text.startswith(_BOMS) else text
    return data


def _kind(stream: Any) -> Kind:
    from av.stream import Disposition

    metadata = stream.metadata or {}
    said = {
        "default": Disposition.default,
        "forced": Disposition.forced,
        "impaired": Disposition.hearing_impaired,
        "commentary": Disposition.comment | Disposition.descriptions,
    }
    flags = {flag for flag, disposition in said.items() if stream.disposition & disposition}
    titles = " ".join(metadata.get(key, "") for key in ("title", "handler_name"))
    return Kind(language_code(metadata.get("language", "")), frozenset(flags | flags_in(titles)))
