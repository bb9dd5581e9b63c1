"""Damages the bytes of a media file as disks, networks, editors and attackers do; each damage is drawn from a seed."""

import random
from collections.abc import Callable, Mapping
from pathlib import PurePath

Mutation = Callable[[bytearray, random.Random], bytearray]

EXTREMES = [0, 1, 2, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1]

MATROSKA_IDS = """1a45dfa3 18538067 1549a966 2ad7b1 4489 1654ae6b ae d7 83 86 63a2 23e383 b0 ba 54b0 54ba b5 9f 6264
1f43b675 e7 a3 a0 a1 9b 1c53bb6b bb b3 b7 f1 114d9b74 53ab 53ac e0 e1 56aa 56bb 7670 53c0 75a1"""

FIELDS: dict[str, list[bytes]] = {
    "mp4": b"""ftyp moov mvhd trak tkhd edts elst mdhd hdlr vmhd stbl stsd avc1 avcC mp4a mp4v esds stts ctts stss stsz
        stsc stco co64 mdat moof mfhd tfhd tfdt trun sidx mfra hvcC colr pasp wave chan d263""".split(),
    "mkv": [bytes.fromhex(name) for name in MATROSKA_IDS.split()],
    "avi": b"RIFF LIST avih strl strh vids auds strf idx1 movi 00dc 01wb JUNK odml".split(),
    "ts": [
        b"\x47",
        b"\x00\x00\x01\xe0",
        b"\x00\x00\x01\xc0",
        b"\x00\x00\x01\xb3",
        b"\x00\x00\x01\x67",
        b"\x00\x02\xb0",
    ],
    "mpg": [bytes([0, 0, 1, code]) for code in (0xBA, 0xBB, 0xB3, 0xB5, 0xB8, 0xE0, 0xC0, 0x00, 0x01)],
    "flv": [
        b"FLV",
        b"onMetaData",
        b"duration",
        b"width",
        b"videodatarate",
        b"\x00\x00\x00\x09",
        b"\x08\x00",
        b"\x09\x00",
    ],
    "gif": [b"GIF89a", b"\x21\xf9\x04", b"\x2c", b"NETSCAPE2.0"],
    "wmv": [bytes.fromhex(name) for name in ("3026b275", "a1dcab8c", "9107dcb7", "b503bf5f", "33260090", "82000009")],
    "ogg": [b"OggS", b"OpusHead", b"OpusTags", b"\x7fFLAC", b"OVP80"],
    "nut": [b"nut/", b"NM\x7a\x56", b"NS\x11\x40", b"NK\xe4\xad", b"NX\xdd\x67"],
    "h264": [bytes([0, 0, 1, kind]) for kind in (0x67, 0x68, 0x65, 0x41, 0x01, 0x06)],
    "y4m": [b"YUV4MPEG2", b" W", b" H", b" F", b" A", b"FRAME"],
}
"""Kind of container -> marks that stand before (or in) the headers of its parts."""

KINDS = {
    "mov": "mp4", "3gp": "mp4", "webm": "mkv", "ogv": "ogg", "dv": "h264"
}  # fmt: skip
"""Suffix -> the kind whose marks its format shares."""


def flip_bits(data: bytearray, draw: random.Random) -> bytearray:
    """Single bits, anywhere."""
    for _ in range(draw.choice([1, 3, 10, 60])):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    return data


def flip_in_head(data: bytearray, draw: random.Random) -> bytearray:
    """Single bits in the first kilobyte, where headers mostly are."""
    for _ in range(draw.choice([1, 2, 5, 20])):
        data[draw.randrange(min(1024, len(data)))] ^= 1 << draw.randrange(8)
    return data


def noise(data: bytearray, draw: random.Random) -> bytearray:
    """A run of random bytes, or of one byte, in place of what was there."""
    begin = draw.randrange(len(data))
    end = min(len(data), begin + draw.choice([4, 60, 700, 5000]))
    data[begin:end] = (
        draw.randbytes(end - begin) if draw.random() < 0.5 else bytes([draw.choice([0, 0xFF, 0x47])]) * (end - begin)
    )
    return data


def cut_off(data: bytearray, draw: random.Random) -> bytearray:
    """The beginning alone, or the end alone."""
    at = draw.randrange(1, len(data))
    return data[:at] if draw.random() < 0.7 else data[at:]


def insert(data: bytearray, draw: random.Random) -> bytearray:
    """Foreign bytes, or some of its own once more."""
    at, length = draw.randrange(len(data)), draw.choice([1, 4, 188, 3000])
    begin = draw.randrange(len(data))
    data[at:at] = draw.randbytes(length) if draw.random() < 0.5 else data[begin : begin + length]
    return data


def remove(data: bytearray, draw: random.Random) -> bytearray:
    """A piece is missing."""
    at = draw.randrange(len(data))
    del data[at : at + draw.choice([1, 2, 4, 188, 3000])]
    return data or bytearray(b"\0")


def swap(data: bytearray, draw: random.Random) -> bytearray:
    """Two pieces of equal length change places."""
    length = min(draw.choice([4, 188, 2048]), max(1, len(data) // 3))
    one, other = sorted(draw.randrange(len(data) - length + 1) for _ in range(2))
    if other - one >= length:
        data[one : one + length], data[other : other + length] = (
            data[other : other + length],
            data[one : one + length],
        )
    return data


def set_field(kind: str) -> Mutation:
    """Sizes, durations, times and counts in headers of this kind of container."""

    def mutation(data: bytearray, draw: random.Random) -> bytearray:
        for _ in range(draw.choice([1, 1, 2, 4])):
            places = _places(data, draw.choice(FIELDS[kind]))
            if not places:
                continue
            width = draw.choice([1, 2, 4, 4, 8])
            at = draw.choice(places) + draw.choice([-8, -4, *range(0, 90, 2), *range(1, 32, 2)])
            if 0 <= at <= len(data) - width:
                value = draw.choice([*EXTREMES, draw.getrandbits(64)]) % (1 << 8 * width)
                data[at : at + width] = value.to_bytes(width, draw.choice(["big", "little"]))
        return data

    return mutation


def _places(data: bytearray, mark: bytes) -> list[int]:
    """Indices after each of the first occurrences of a mark; short ones are met by chance, later on in a file."""
    found, at = [], data.find(mark)
    while at >= 0 and len(found) < (200 if len(mark) > 1 else 20):
        found.append(at + len(mark))
        at = data.find(mark, at + 1)
    return found


def mutated(originals: Mapping[str, bytes], seed: int) -> tuple[str, bytes]:
    """(name with a suffix, bytes) of the damaged file of this seed: the same ones for the same originals."""
    draw = random.Random(seed)
    name = draw.choice(sorted(originals))
    suffix = PurePath(name).suffix[1:]
    data = bytearray(originals[name])
    kind = KINDS.get(suffix, suffix)
    if draw.random() < 0.08:
        alike = [other for other in sorted(originals) if other.endswith(suffix)]
        data += originals[draw.choice(alike if draw.random() < 0.7 else sorted(originals))]
    plain = [flip_bits, flip_in_head, noise, cut_off, insert, remove, swap]
    for _ in range(draw.choice([1, 1, 2, 3, 4])):
        data = (set_field(kind) if draw.random() < 0.6 else draw.choice(plain))(data, draw)
    if draw.random() < 0.03:
        suffix = draw.choice(["mp4", "avi", "ts", "mkv", "mpg", "mjpeg"])
    return f"{seed:06}-{PurePath(name).stem}.{suffix}", bytes(data)
