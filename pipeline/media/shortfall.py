"""Tells what a file lacks against what its container promises: one that was cut off, or damaged on its way."""

from pathlib import Path
from typing import Any, BinaryIO

from pipeline.media.container import frame_s
from pipeline.media.packets import Packets
from pipeline.remote_files.files import open_binary

TOLERANCE_S = 0.5
"""Headers differ by less from what is there for many reasons, e.g. a stream that is rounded to whole packets."""

TIMED_FORMATS = frozenset({"matroska", "webm", "mov", "mp4", "avi", "flv", "asf"})
"""Formats whose header states the duration; libavformat finds that of others from what is there."""

TS_PACKET_BYTES = (188, 192, 204)
"""Packets of MPEG-TS: plain, with a time before each (.m2ts), with error correction after each."""

LEAST_READ = 0.9
"""Share of an FLV file that is in packets; the rest is its header and what stands between them."""

_MEDIA_BOXES = frozenset({b"mdat", b"moof", b"moov"})

AT_A_JOINT = 2
"""Packets that libavformat takes for damaged where whole pieces of MPEG-TS meet, as they are not counted through."""

_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")

_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


def notes(path: Path, container: Any, video: Any | None, seen: Packets) -> list[str]:
    """What is missing in words, and that the clock jumps; empty for a whole and plain file."""
    told = [_missing_frames(video, seen) or _missing_time(container, seen) or _missing_bytes(path, container, seen)]
    if seen.error:
        told.append(f"the file cannot be read to its end: {seen.error}")
    if (num_damaged := seen.num_damaged - AT_A_JOINT * seen.num_jumps) > 0:
        told.append(f"damaged packets: {num_damaged}")
    if seen.num_jumps:
        told.append("the clock of the file jumps: its pieces were put one after another")
    return [note for note in told if note]


def _missing_frames(video: Any | None, seen: Packets) -> str:
    """Of a video that is shorter than its header says.

    The number alone proves nothing: AVI headers also count frames that are left out because they repeat the last one.
    """
    if video is None:
        return ""
    declared_s = float((video.duration or 0) * video.time_base)
    is_short = seen.end_s + 1.5 * frame_s(video) < declared_s
    declared = int(video.frames) if is_short and not seen.num_jumps else 0
    return f"{seen.num_frames} of {declared} frames are in the file" if seen.num_frames < declared else ""


def _missing_time(container: Any, seen: Packets) -> str:
    declared_s = (container.duration or 0) / 1e6
    is_stated = bool(TIMED_FORMATS & set(container.format.name.split(",")))
    if not is_stated or seen.num_jumps or seen.reached_s + TOLERANCE_S >= declared_s:
        return ""
    return f"{seen.reached_s:.1f} of {declared_s:.1f} s are in the file"


def _missing_bytes(path: Path, container: Any, seen: Packets) -> str:
    formats = set(container.format.name.split(","))
    with open_binary(path) as file:
        size = file.seek(0, 2)
        promised = max((PROMISED[name](file) for name in formats & PROMISED.keys()), default=0)
        if promised > size:
            return f"the file is cut off: {size} of {promised} bytes are there"
        if "mpegts" in formats and _is_cut_ts(file, size):
            return "the file is cut off in the middle of a packet"
    if "flv" in formats and seen.read_bytes < LEAST_READ * size:  # the second of two files that were joined
        return f"only the first {seen.read_bytes} of {size} bytes can be read"
    return ""


def _riff_bytes(file: BinaryIO) -> int:
    """Bytes of an AVI file as it states them; 0 when it does not, as a live recording."""
    file.seek(0)
    head = file.read(8)
    size = int.from_bytes(head[4:], "little")
    return size + len(head) if head[:4] == b"RIFF" and size < 0xFFFFFFFF else 0


def _mp4_bytes(file: BinaryIO) -> int:
    """The end of the last box with media in an MP4 file, as the box states it; 0 without one."""
    size, at, promised = file.seek(0, 2), 0, 0
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        length = int.from_bytes(head[:4])
        length = int.from_bytes(head[8:16]) if length == 1 else length
        if length < 8:  # 0: up to the end of the file
            break
        at += length
        promised = at if head[4:8] in _MEDIA_BOXES else promised
    return promised


def _matroska_bytes(file: BinaryIO) -> int:
    """Bytes of a Matroska file as it states them; 0 when it does not, as a live recording."""
    at = 0
    for name in (_EBML, _SEGMENT):
        file.seek(at)
        head = file.read(12)
        if head[:4] != name or len(head) < 5 or head[4] == 0:
            return 0
        length = 9 - head[4].bit_length()  # the number of leading zeros tells how long the size is
        value = int.from_bytes(head[4 : 4 + length]) & ((1 << 7 * length) - 1)
        if value == (1 << 7 * length) - 1:
            return 0  # unknown
        at += 4 + length + (value if name == _EBML else 0)
    return at + value


def _is_cut_ts(file: BinaryIO, size: int) -> bool:
    """Whether the last packet of an MPEG-TS is not whole."""
    file.seek(max(0, size - 12 * max(TS_PACKET_BYTES)))
    tail = file.read()
    for length in TS_PACKET_BYTES:
        for last in range(len(tail) - 1, len(tail) - length - 1, -1):
            starts = range(last, -1, -length)
            if len(starts) >= 4 and all(tail[start] == 0x47 for start in starts):
                return len(tail) - last < 188
    return False


def _asf_bytes(file: BinaryIO) -> int:
    """Bytes of an ASF file (.wmv) as its file properties state them; 0 without, as for a broadcast."""
    file.seek(0)
    head = file.read(1 << 16)
    at = head.find(_ASF_PROPERTIES)
    return int.from_bytes(head[at + 40 : at + 48], "little") if at >= 0 else 0


PROMISED = {"matroska": _matroska_bytes, "avi": _riff_bytes, "mov": _mp4_bytes, "asf": _asf_bytes}
"""Name of a format -> what finds the size that such a file states."""
