"""Well-formed, damaged and hostile archives."""

import errno
import io
import os
import tarfile
import zipfile

import pytest

from pipeline.errors import ArchiveError
from pipeline.untrusted import archives
from pipeline.untrusted.archives import Limits, scratch, unpack


def every(name):
    return True


def make_tar(path, *members, mode="w:gz"):
    """Each member: (name, bytes), or a TarInfo."""
    with tarfile.open(path, mode) as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                tar.addfile(info, io.BytesIO(member[1]))
    return path


def special(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def contents(made):
    return {name: one.path.read_bytes() for name, one in made.items()}


GOOD = (("data/D/a.pickle", b"aa"), ("data/D/b.txt", b"b"))


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_wanted_members_come_out_of_a_tar_in_any_compression_under_names_of_ours(tmp_path, mode):
    archive = make_tar(tmp_path / "x.tar", *GOOD, mode=mode)
    made = unpack(archive, lambda name: name.endswith("pickle"), tmp_path / "out")
    assert contents(made) == {"data/D/a.pickle": b"aa"}
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["0.pickle"]
    # sha256 of "aa", by sha256sum
    assert made["data/D/a.pickle"].sha256 == "961b6dd3ede3cb8ecbaacbd68de040cd78eb2ed5889130cceb4c49268ea4d506"


def test_a_zip_and_an_unpacked_folder_give_the_same(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name, data in GOOD:
            archive.writestr(name, data)
    for name, data in GOOD:
        (tmp_path / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "folder" / name).write_bytes(data)
    from_zip = contents(unpack(tmp_path / "x.zip", every, tmp_path / "1"))
    assert from_zip == contents(unpack(tmp_path / "folder", every, tmp_path / "2")) == dict(GOOD)


def test_links_inside_the_archive_are_followed(tmp_path):
    archive = make_tar(
        tmp_path / "x.tar", special("d/soft", tarfile.SYMTYPE, "../real/a"), ("real/a", b"aa"),
        special("d/hard", tarfile.LNKTYPE, "real/a"), special("d/twice", tarfile.SYMTYPE, "soft"),
        special("d/nowhere", tarfile.SYMTYPE, "gone"),
    )  # fmt: skip
    made = unpack(archive, every, tmp_path / "out")
    assert contents(made) == {"d/soft": b"aa", "real/a": b"aa", "d/hard": b"aa", "d/twice": b"aa"}


HOSTILE = [
    (("/etc/cron.d/x", b""), "the name '/etc/cron.d/x' leads out"),
    (("../x", b""), "the name '../x' leads out"),
    (("data/../../x", b""), "the name 'data/../../x' leads out"),
    (("C:/x", b""), "the name 'C:/x' leads out"),
    (("..\\x", b""), "leads out"),
    (special("a", tarfile.SYMTYPE, "/etc/passwd"), "the link 'a' leads out of the archive, to '/etc/passwd'"),
    (special("d/a", tarfile.SYMTYPE, "../../x"), "the link 'd/a' leads out"),
    (special("d/a", tarfile.LNKTYPE, "../x"), "the link 'd/a' leads out"),
    (special("a", tarfile.SYMTYPE, "a"), "the link 'a' leads to itself"),
    (special("a", tarfile.CHRTYPE), "'a' is a device"),
    (special("a", tarfile.BLKTYPE), "'a' is a device"),
    (special("a", tarfile.FIFOTYPE), "'a' is a device, a pipe"),
]


@pytest.mark.parametrize(("member", "message"), HOSTILE)
def test_a_hostile_member_refuses_the_whole_archive_by_name(tmp_path, member, message):
    archive = make_tar(tmp_path / "x.tar", GOOD[0], member)
    with pytest.raises(ArchiveError) as caught:
        unpack(archive, every, tmp_path / "out")
    assert "refused" in str(caught.value)
    assert message in str(caught.value)
    assert str(archive) in str(caught.value)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_zip_whose_names_lead_out_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("../x", b"")
    with pytest.raises(ArchiveError, match=r"the name '\.\./x' leads out"):
        unpack(tmp_path / "x.zip", every, tmp_path / "out")


def test_a_folder_with_a_link_out_of_it_is_refused(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "secret").write_text("x")
    (tmp_path / "folder" / "a").symlink_to(tmp_path / "secret")
    with pytest.raises(ArchiveError, match="the link 'a' leads out of the folder"):
        unpack(tmp_path / "folder", every, tmp_path / "out")


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(member_bytes=1), "'data/D/a.pickle' would have 2 bytes"),
        (Limits(all_bytes=2), "at 'data/D/b.txt' it has 2 members of 3 bytes"),
        (Limits(members=1), "at 'data/D/b.txt' it has 2 members"),
    ],
)
@pytest.mark.parametrize("kind", ["tar", "folder"])
def test_sizes_are_bounded_and_the_member_named(tmp_path, limits, message, kind):
    archive = make_tar(tmp_path / "x.tar", *GOOD)
    if kind == "folder":
        unpacked = tmp_path / "folder"
        with tarfile.open(archive) as tar:
            tar.extractall(unpacked, filter="data")
        archive = unpacked
    with pytest.raises(ArchiveError, match=message):
        unpack(archive, every, tmp_path / "out", limits)


def test_a_name_that_is_gigabytes_long_is_refused_before_it_is_read(tmp_path):
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 3 << 30
    (tmp_path / "x.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(10240))
    with pytest.raises(ArchiveError, match="a name in it is 3221225472 bytes long"):
        unpack(tmp_path / "x.tar", every, tmp_path / "out")


@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda data: b"<html>404</html>", lambda data: b""]
)
def test_a_broken_archive_is_told_with_what_to_do(tmp_path, damage):
    archive = make_tar(tmp_path / "x.tar.gz", ("a", os.urandom(100_000)), ("b", os.urandom(100_000)))
    archive.write_bytes(damage(archive.read_bytes()))
    with pytest.raises(ArchiveError, match=r"not an archive that can be read .*; get it again"):
        unpack(archive, every, tmp_path / "out")


def test_a_missing_archive_is_told(tmp_path):
    with pytest.raises(ArchiveError, match="no such file"):
        unpack(tmp_path / "x.tar", every, tmp_path / "out")


def test_a_pipe_in_place_of_an_archive_is_told_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "features.tar.gz")
    with pytest.raises(ArchiveError, match=r"features\.tar\.gz: a named pipe, not a file"):
        unpack(tmp_path / "features.tar.gz", lambda name: True, tmp_path / "out")


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    archive = make_tar(tmp_path / "x.tar", *GOOD)

    def full(*args, **more):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(archives.Path, "open", full)
    with pytest.raises(ArchiveError, match=r"data/D/a\.pickle: cannot be unpacked: No space left on device; free some"):
        unpack(archive, every, tmp_path / "out")


def test_what_was_unpacked_is_gone_afterwards(tmp_path):
    with scratch(tmp_path) as folder:
        unpack(make_tar(tmp_path / "x.tar", *GOOD), every, folder)
        assert folder.name.startswith(".tmp-")
    assert [path.name for path in tmp_path.iterdir()] == ["x.tar"]
