"""Stamps of video files: size and date of a file and of its subtitles, which tell whether it must be read again."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from pipeline.media.sidecars import Sidecar, sidecars, unusable_sidecar
from pipeline.stores.fingerprint import canonical, file_sha256, text_sha256

Stamp = tuple[int, int]
"""(size in bytes, modification time in ns); a file with an unchanged stamp is not read again."""

CHANGED = "changed while it was read; the next run takes it up"
"""Problem of a file that was replaced, or still being copied, while it was hashed or decoded."""


def stamps_of(path: Path) -> tuple[int, ...]:
    """The stamps of a video file and of the subtitle files beside it, as they are now."""
    return *stamp_of(path), *sidecar_stamp(path, sidecars(path))


def has_changed(path: Path, stamps: tuple[int, ...], content: str) -> bool:
    """Whether a file or its subtitles are no longer those that had these stamps and this content hash.

    Only where the stamps differ and the sizes do not, they are read: a file that was touched is the same file.
    """
    try:
        now = stamps_of(path)
        if now[::2] == stamps[::2]:
            return now != stamps and content_of(path, sidecars(path)) != content
    except OSError:
        pass
    return True


def content_of(path: Path, subtitles: Sequence[Sidecar]) -> str:
    """32 hex digits of a hash of the bytes of a video file and of its subtitles; OSError if one cannot be read.

    Of all of them, since which one is read is up to the expert; and of their names after that of the video, which say
    the language. A lone .srt or .vtt without a language is hashed by its bytes alone, as it always was.
    """
    tails = [each.tail for each in subtitles]
    parts = [file_sha256(path), *([] if _is_plain(tails) else tails)]
    parts += [file_sha256(each.path) for each in subtitles]
    return hashlib.sha256("+".join(parts).encode()).hexdigest()[:32]


def sidecar_stamp(path: Path, subtitles: Sequence[Sidecar]) -> Stamp:
    """The stamp of the subtitle files of the video `path`: (0, 0) for none, (-1, 0) for one that cannot be read.

    Of several, or where a name says the language: the sum of the sizes, and a number made of names and dates.
    """
    if not subtitles:
        return (-1, 0) if unusable_sidecar(path) else (0, 0)
    return joined_stamp([(each.tail, stamp_of(each.path)) for each in subtitles])


def joined_stamp(stamps: Sequence[tuple[str, Stamp]]) -> Stamp:
    """The stamp of one or more subtitle files, of each of which the tail of its name and its own stamp are given."""
    if _is_plain([tail for tail, _ in stamps]):
        return stamps[0][1]
    by_tail = dict(stamps)
    return sum(size for size, _ in by_tail.values()), int(text_sha256(canonical(by_tail))[:15], 16)


def _is_plain(tails: Sequence[str]) -> bool:
    return len(tails) == 1 and tails[0] in {".srt", ".vtt"}


def stamp_of(path: Path) -> Stamp:
    """The stamp of a file, (-1, 0) if there is none."""
    try:
        stat = path.stat()
    except OSError:
        return -1, 0  # a dangling link; its inspection reports the problem
    return stat.st_size, stat.st_mtime_ns
