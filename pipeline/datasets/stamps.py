"""Stamps of video files: size and date of a file and of its subtitles, which tell whether it must be read again."""

import functools
import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from pipeline.datasets.clips import clip_content
from pipeline.errors import RemoteError
from pipeline.media.sidecars import Sidecar, sidecars, unusable_sidecar
from pipeline.remote_files import files
from pipeline.remote_files.addresses import shown
from pipeline.stores.fingerprint import canonical, file_sha256, text_sha256

Stamp = tuple[int, int]
"""(size in bytes, modification time in ns); a file with an unchanged stamp is not read again."""

CHANGED = "changed while it was read; the next run takes it up"
"""Problem of a file that was replaced, or still being copied, while it was hashed or decoded."""


def stamps_of(path: Path) -> tuple[int, ...]:
    """The stamps of a video file and of the subtitle files beside it, as they are now."""
    return *stamp_of(path), *sidecar_stamp(path, sidecars(path))


def has_changed(path: Path, stamps: tuple[int, ...], content: str, span_s: tuple[float, ...] = ()) -> bool:
    """Whether a file or its subtitles are no longer those that had these stamps and this content hash.

    `span_s`: of a clip, whose hash is `content`.

    Only where the stamps differ and the sizes do not, they are read: a file that was touched is the same file.
    """
    try:
        now = stamps_of(path)
        if now[::2] == stamps[::2]:
            if now == stamps:
                return False
            found = _content_now(path, now)
            return (clip_content(found, span_s) if span_s else found) != content
    except OSError:
        pass
    return True


@functools.lru_cache(maxsize=1)
def _content_now(path: Path, now: tuple[int, ...]) -> str:
    """The hash of a file that has these stamps, read once for all its clips."""
    return content_of(path, sidecars(path))


def content_of(path: Path, subtitles: Sequence[Sidecar]) -> str:
    """32 hex digits of a hash of the bytes of a video file and of its subtitles; OSError if one cannot be read.

    Of all of them, since which one is read is up to the expert; and of their names after that of the video, which say
    the language. A lone .srt or .vtt without a language is hashed by its bytes alone, as it always was. In place of the
    bytes of remote files stands what their servers say of the version, unless a list has the SHA-256 of the video.
    """
    facts, tails = files.facts_of(path), [each.tail for each in subtitles]
    is_read = facts is None or bool(facts.sha256) or not facts.identity
    parts = [_identity(path, is_read), *([] if _is_plain(tails) else tails)]
    parts += [_identity(each.path, is_read) for each in subtitles]
    return hashlib.sha256("+".join(parts).encode()).hexdigest()[:32]


def _identity(path: Path, is_read: bool) -> str:
    """64 hex digits of the bytes of a file, or of its version alone; RemoteError for bytes that were not promised."""
    facts = files.facts_of(path)
    if facts is None or (facts.identity and not is_read):
        return facts.identity if facts else file_sha256(path)
    with files.open_binary(path) as file:
        digest = hashlib.file_digest(cast(io.RawIOBase, file), "sha256").hexdigest()
    if facts.sha256 not in {"", digest}:
        raise RemoteError(f"{shown(facts.address)}: has the sha256 {digest}, and not the one in the list")
    return digest


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
    """The stamp of a file, (-1, 0) if there is none; of a remote one its size and the number of its version."""
    if (remote := files.listed(path)) is not None:
        return remote.stamp
    try:
        stat = path.stat()
    except OSError:
        return -1, 0  # a dangling link; its inspection reports the problem
    return stat.st_size, stat.st_mtime_ns
