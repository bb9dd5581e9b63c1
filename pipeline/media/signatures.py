"""What a file is by its first bytes: for files without a suffix, and to say what lies in the place of a video."""

import re
from pathlib import Path

from pipeline.remote_files.files import open_binary

NUM_BYTES = 4096
"""Of a file's beginning that are looked at."""

_BOXES = frozenset({b"moov", b"mdat", b"wide", b"skip", b"free", b"pnot"})
"""With which a QuickTime file may begin, beside `ftyp` (QuickTime File Format, Apple)."""
_STILL_BRANDS = frozenset({b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis", b"jxl ", b"M4A ", b"M4B ", b"crx "})
"""Brands of ISO files that are pictures or sound."""
_VIDEO_MAGIC = (
    (0, b"\x1a\x45\xdf\xa3"),  # EBML: Matroska, WebM
    (0, b"FLV\x01"),
    (0, b"\x00\x00\x01\xba"),  # MPEG program stream
    (0, b"\x00\x00\x01\xb3"),  # MPEG video
    (0, b"\x00\x00\x01\xb0"),  # MPEG-4 video
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),  # ASF, WMV
    (0, b"\xb7\xd8\x00\x20\x37\x49\xda\x11"),  # WTV
    (0, b"\x06\x0e\x2b\x34\x02\x05\x01\x01"),  # MXF
    (0, b"DKIF"),  # IVF
    (0, b"YUV4MPEG2 "),
    (0, b".RMF\x00\x00"),  # RealMedia
    (0, b"nut/multimedia container"),
    (0, b"\x1f\x07\x00"),  # DV
    (0, b"\x12\x00\x0a"),  # AV1
)
_NAL = re.compile(rb"\x00?\x00\x00\x01([\x00-\xff])")
_NAL_FIRST = frozenset({0x09, 0x27, 0x47, 0x67, 0x40, 0x46})
"""First byte of an H.264 or HEVC stream: a delimiter or a parameter set (ITU-T H.264 and H.265, tables 7-1)."""
_OGG_VIDEO = (b"\x80theora", b"OVP80", b"BBCD\x00", b"fishead\x00")
_TS_PACKETS = (188, 192, 204)
"""Bytes of a packet of an MPEG transport stream: plain, after a time stamp (M2TS), before a checksum."""

_OTHERS = (
    (0, b"\xff\xd8\xff", "an image (JPEG)"),
    (0, b"\x89PNG\r\n", "an image (PNG)"),
    (0, b"GIF8", "an image (GIF)"),
    (0, b"BM", "an image (BMP)"),
    (0, b"II*\x00", "an image (TIFF)"),
    (0, b"MM\x00*", "an image (TIFF)"),
    (8, b"WEBP", "an image (WebP)"),
    (8, b"WAVE", "sound (WAV)"),
    (0, b"ID3", "sound (MP3)"),
    (0, b"fLaC", "sound (FLAC)"),
    (0, b"%PDF", "a PDF"),
    (0, b"PK\x03\x04", "an archive (zip)"),
    (0, b"Rar!", "an archive (rar)"),
    (0, b"7z\xbc\xaf", "an archive (7z)"),
    (0, b"\x1f\x8b", "an archive (gzip)"),
    (257, b"ustar", "an archive (tar)"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ", "a program"),
    (0, b"SQLite format 3", "a database"),
)
_PAGE = re.compile(rb"^\s*(<\?xml[^>]*>\s*)?<(!doctype\s+html|html|head|body)", re.IGNORECASE)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def is_video(head: bytes) -> bool:
    """Whether a file that begins with these bytes is a container or a stream of video that FFmpeg reads."""
    if any(head.startswith(magic, at) for at, magic in _VIDEO_MAGIC):
        return True
    if head[:4] == b"RIFF":
        return head[8:12] == b"AVI "
    if head[:4] == b"OggS":
        return any(magic in head for magic in _OGG_VIDEO)
    return _is_iso(head) or _is_nal(head) or _is_transport_stream(head)


def what_is(head: bytes) -> str:
    """What a file that is no video is, e.g. "a text file" or "an image (PNG)"; empty where that is not known."""
    if not head:
        return "an empty file"
    if not head.strip(b"\0"):
        return "nothing but zero bytes"
    for at, magic, kind in _OTHERS:
        if head.startswith(magic, at) and not (len(magic) == 2 and is_text(head)):
            return kind
    if head[4:8] == b"ftyp" and head[8:12] in _STILL_BRANDS:
        return "an image or sound"
    return "a web page" if _PAGE.match(head) else "a text file" if is_text(head) else ""


def is_text(head: bytes) -> bool:
    """Whether the bytes are text: in UTF-8, UTF-16 with a mark, or without a control character."""
    if not head or head.startswith(b"YUV4MPEG2 "):
        return False
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        return True
    if _CONTROL.search(head):
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # The last character may be cut off; and few high bytes are text in an older encoding.
        return error.start > len(head) - 4 or sum(byte > 127 for byte in head) < len(head) / 2
    return True


def read_head(path: Path) -> bytes:
    """The first bytes of a regular file; OSError where it cannot be read."""
    with open_binary(path) as file:
        return file.read(NUM_BYTES)


def _is_iso(head: bytes) -> bool:
    if head[4:8] == b"ftyp":
        return head[8:12] not in _STILL_BRANDS
    return head[4:8] in _BOXES and not is_text(head)


def _is_nal(head: bytes) -> bool:
    match = _NAL.match(head)
    return bool(match and match[1][0] in _NAL_FIRST)


def _is_transport_stream(head: bytes) -> bool:
    """Whether there are at least four packets whose headers are valid: 0x47 alone is the letter G."""
    for size in _TS_PACKETS:
        first = 4 if size == 192 else 0
        starts = range(first, len(head) - 3, size)
        if len(starts) >= 4 and all(head[at] == 0x47 and head[at + 3] & 0x30 for at in starts) and not is_text(head):
            return True
    return False
