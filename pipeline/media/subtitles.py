"""Reads the subtitles of a video as single words with times."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import DecodeError, OutageError
from pipeline.media.container import open_container
from pipeline.media.cue_files import read_cues
from pipeline.media.markup import Cue
from pipeline.media.rolling import unrolled
from pipeline.media.sidecars import Sidecar, ranked, sidecars, unusable_sidecar
from pipeline.media.tracks import Track, ranked_tracks, read_track, text_tracks
from pipeline.remote_files.files import read_bytes, size_of
from pipeline.texts.encodings import decode_text
from pipeline.texts.languages import language_code

MAX_BYTES = 64_000_000
"""Of a subtitle file; those of the longest films have a few hundred kB."""


@dataclass(frozen=True)
class Word:
    """A spoken word with its start and end."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Subtitles:
    """The words of a video, in the order of the subtitles in which they stand."""

    words: tuple[Word, ...] = ()
    note: str = ""
    """Which subtitles they are, where there was a choice, and how they were read; else empty."""


def read_subtitles(path: Path, language: str = "") -> Subtitles:
    """The words of the subtitle file beside the video, or else of a text track in it; no words when it has neither.

    `language` (code or name) is preferred; empty: English, or what the file marks as its default. Subtitles of forced
    passages and of commentaries are read only where there are no others. DecodeError when there are subtitles that
    cannot be read.
    """
    wanted = language_code(language)
    beside = ranked(sidecars(path), wanted)
    if beside and not any(beside[0].kind.rank(wanted)):
        return _of_file(beside)
    left_out = "" if beside else unusable_sidecar(path)
    with open_container(path) as container:
        tracks = ranked_tracks(text_tracks(container), wanted)
        if tracks and not (beside and beside[0].kind.rank(wanted) <= tracks[0].kind.rank(wanted)):
            cues, note = read_track(container, tracks[0])
            return _subtitles(cues, left_out, _choice(tracks[0], len(tracks) + len(beside)), note)
    return _of_file(beside) if beside else Subtitles((), left_out)


def _words(cue: Cue) -> list[Word]:
    return [Word(text, *times_s) for text, times_s in zip(cue.words, cue.times_s(), strict=True)]


def _of_file(beside: list[Sidecar]) -> Subtitles:
    chosen = beside[0]
    path, language = chosen.path, chosen.kind.language
    try:
        if size_of(path) > MAX_BYTES:
            raise DecodeError(f"larger than {MAX_BYTES / 1e6:.0f} MB, which no subtitles are")
        text, encoding = decode_text(read_bytes(path), language)
        cues = read_cues(text)
    except DecodeError as error:
        raise DecodeError(f"{path.name}: {error}") from None
    except OutageError:
        raise
    except OSError as error:
        raise DecodeError(f"{path.name}: cannot be read: {error.strerror or error}") from None
    told = _choice(chosen, len(beside)) if len(beside) > 1 or language else ""
    return _subtitles(cues, told, f"subtitles read as {encoding}" if encoding != "utf-8" else "")


def _choice(chosen: Sidecar | Track, number: int) -> str:
    if isinstance(chosen, Track) and number == 1:
        return ""
    name = chosen.path.name if isinstance(chosen, Sidecar) else chosen.name
    return f"words of {name}" + (f", one of {number} subtitles" if number > 1 else "")


def _subtitles(cues: list[Cue], *notes: str) -> Subtitles:
    words = tuple(word for cue in unrolled(cues) for word in _words(cue))
    lost = sum(word.text.count("\ufffd") for word in words)
    told = [*notes, f"letters of the subtitles that cannot be read: {lost}" if lost else ""]
    return Subtitles(words, "; ".join(filter(None, told)))
