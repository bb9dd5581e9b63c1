"""Members of tars, beside what Python's tarfile lists, and what hostile ones claim."""

import io
import random
import tarfile
import tracemalloc

import pytest

from pipeline.errors import ArchiveError
from pipeline.packed import tars
from pipeline.packed.tars import members

LONG = "d/" + "ü" * 90 + "/" + "x" * 120 + ".mp4"


def tar_of(files, form=tarfile.PAX_FORMAT, **kinds):
    """The bytes of a tar with regular files; `kinds`: name -> (type, target of the link)."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=form) as tar:
        for name, content in files.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            tar.addfile(header, io.BytesIO(content))
        for name, (kind, target) in kinds.items():
            header = tarfile.TarInfo(name)
            header.type, header.linkname = kind, target
            tar.addfile(header)
    return made.getvalue()


def listed(content):
    return list(members(io.BytesIO(content), len(content)))


def partly(content):
    """The members before the error, and the error."""
    found = []
    with pytest.raises(ArchiveError) as raised:
        for one in members(io.BytesIO(content), len(content)):
            found.append(one.name)
    assert "\n" not in str(raised.value)
    return found, str(raised.value)


def header(name="a.mp4", size=0, kind=tarfile.REGTYPE):
    made = tarfile.TarInfo(name)
    made.size, made.type = size, kind
    return made.tobuf(tarfile.GNU_FORMAT)


def padded(content):
    return content + bytes(-len(content) % 512)


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_members_are_those_of_tarfile_with_their_bytes(form):
    random_bytes = random.Random(1).randbytes
    files = {f"d/{size}.mp4": random_bytes(size) for size in (0, 1, 511, 512, 513, 5000)}
    files |= {} if form == tarfile.USTAR_FORMAT else {LONG: b"long"}
    content = tar_of(files, form)
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        expected = [(one.name, one.offset_data, one.size) for one in tar]
    found = listed(content)
    assert [(one.name, one.start, one.size) for one in found] == expected
    assert {one.name: content[one.start : one.start + one.size] for one in found} == files


def test_dots_before_names_and_folders_are_nothing():
    content = tar_of({"./a.mp4": b"1", "././b/c.mp4": b"2"}, d=(tarfile.DIRTYPE, ""))
    assert [one.name for one in listed(content)] == ["a.mp4", "b/c.mp4"]


def test_links_devices_and_files_with_holes_are_refused_and_what_follows_is_read():
    content = tar_of(
        {"a.mp4": b"1"}, link=(tarfile.SYMTYPE, "/etc/passwd"), hard=(tarfile.LNKTYPE, "a.mp4"),
        null=(tarfile.CHRTYPE, ""), pipe=(tarfile.FIFOTYPE, ""), odd=(b"W", ""),
    ).rstrip(b"\0")  # fmt: skip
    content = padded(content)
    sparse = bytearray(header("holes.mp4", 512, tarfile.GNUTYPE_SPARSE))
    sparse[482] = 1  # a further block says where the holes are
    sparse[148:156] = b"%06o\0 " % (sum(sparse[:148]) + 8 * 32 + sum(sparse[156:512]))
    content += bytes(sparse) + bytes(512) + b"x" * 512 + header("last.mp4", 3) + padded(b"end") + bytes(1024)
    found = {one.name: one.refused for one in listed(content)}
    assert found == {
        "a.mp4": "", "link": "a link", "hard": "a link", "null": "a device", "pipe": "a named pipe",
        "odd": "of an unknown kind", "holes.mp4": "a file with holes", "last.mp4": "",
    }  # fmt: skip
    pax = tarfile.TarInfo.create_pax_header  # a sparse file as pax has it is one by its attributes alone
    one = tarfile.TarInfo("holes2.mp4")
    one.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.name": "x"}
    info = one.get_info()
    assert [m.refused for m in listed(pax(one, info, "utf-8") + bytes(1024))] == ["a file with holes"]


def test_a_tar_that_is_cut_off_gives_what_is_whole_of_it():
    content = tar_of({"a.mp4": b"1" * 1000, "b.mp4": b"2" * 1000})
    assert partly(content[:2000])[0] == ["a.mp4"]
    assert "'b.mp4' would have 1000 bytes" in partly(content[:2100])[1]
    assert "without the mark of its end" in partly(content[: 2 * 512 + 512])[1]
    assert "within the header" in partly(content[: 600 + 1024])[1]
    assert partly(b"") == ([], "it is empty")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (header(size=8 << 30) + b"x", "'a.mp4' would have 8589934592 bytes"),
        (header(size=1 << 60) + b"x", "'a.mp4' would have 1152921504606846976 bytes"),
        (b"\x1f\x8b" + bytes(510), r"compressed \(gzip\)"),
        (b"\x28\xb5\x2f\xfd" + bytes(508), r"compressed \(zstd\)"),
        (b"<html>" + bytes(506), "no header of a tar at byte 0"),
        (header(kind=tarfile.XHDTYPE, size=1 << 32) + b"x", "extended header of 4294967296 bytes"),
        (header(kind=tarfile.GNUTYPE_LONGNAME, size=1 << 20) + bytes(1 << 20), "extended header of 1048576 bytes"),
        (header(kind=tarfile.XHDTYPE, size=12) + padded(b"99 path=abc\n"), "damaged attributes"),
        (header(kind=tarfile.XHDTYPE, size=12) + padded(b"0 path=abcd\n"), "damaged attributes"),
        (header(kind=tarfile.XHDTYPE, size=12) + padded(b"12 size=-50\n") + header(), "no number as its size"),
        (header(kind=tarfile.XHDTYPE, size=60000) + padded(b"1" * 60000), "damaged attributes"),
    ],
)  # fmt: skip
def test_lies_are_one_line(content, why):
    found, said = partly(content)
    assert found == []
    import re

    assert re.search(why, said), said


def test_a_negative_size_is_refused():
    block = bytearray(header())
    block[124:136] = b"\xff" * 11 + b"\xf0"  # a number to the base of 256, below zero
    block[148:156] = b"%06o\0 " % (sum(block[:148]) + 8 * 32 + sum(block[156:512]))
    assert "would have -" in partly(bytes(block) + bytes(1024))[1]
    block[156:157] = tarfile.XHDTYPE
    block[148:156] = b"%06o\0 " % (sum(block[:148]) + 8 * 32 + sum(block[156:512]))
    assert "extended header of -" in partly(bytes(block) + bytes(1024))[1]


def test_millions_of_headers_end_at_a_limit_and_take_no_memory(monkeypatch):
    monkeypatch.setattr(tars, "MOST_MEMBERS", 50)
    monkeypatch.setattr(tars, "MOST_BLOCKS", 500)

    class Endless(io.BytesIO):
        """The same block wherever it is read."""

        def read(self, size):
            return self.getvalue()[:size]

    files = {"more than 50 members": header(), "more than 500 headers": header(kind=tarfile.XHDTYPE)}
    for why, block in files.items():
        tracemalloc.start()
        with pytest.raises(ArchiveError, match=why):
            for _ in members(Endless(block), 1 << 50):
                pass
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
        tracemalloc.stop()


def test_attributes_of_all_members_hold_for_all_and_those_of_one_for_the_next():
    def attributes(kind, text):
        return header(kind=kind, size=len(text)) + padded(text)

    content = (
        attributes(tarfile.XGLTYPE, b"18 comment=any xy\n") + attributes(tarfile.XHDTYPE, b"14 path=b.mp4\n")
        + attributes(tarfile.XHDTYPE, b"9 size=3\n") + header(size=0) + padded(b"abc") + header(size=1) + padded(b"z")
        + bytes(1024)
    )  # fmt: skip
    assert [(one.name, one.size) for one in listed(content)] == [("b.mp4", 3), ("a.mp4", 1)]


def test_any_damage_is_members_or_one_line():
    content = tar_of({LONG: b"1" * 700, "b.mp4": b"2" * 100, "c.json": b"{}"})
    chance = random.Random(3)
    for _ in range(400):
        damaged = bytearray(content[: chance.randrange(len(content))] if chance.random() < 0.3 else content)
        for _ in range(chance.randrange(6)):
            if damaged:
                damaged[chance.randrange(min(len(damaged), 4096))] = chance.randrange(256)
        try:
            for one in members(io.BytesIO(damaged), len(damaged)):
                assert one.start >= 0 and one.size >= 0 and (one.refused or one.start + one.size <= len(damaged))
        except ArchiveError:
            pass
