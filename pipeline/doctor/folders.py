"""Where data lies: space, whether it can be written, locks, letters of either case, and the clock."""

import errno
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from pipeline.doctor.findings import Finding

LEAST_FREE, LITTLE_FREE = 1e9, 10e9
"""Bytes: below the one nothing of size can be written, below the other a dataset of some hours may not fit."""
LEAST_FILES = 10_000
"""Files and folders that can still be made."""
FUTURE_S = 24 * 3600.0
"""How far ahead a date may lie: time zones of other systems that some disks store their dates in."""
SKEW_S = 5.0
"""Between the clock of this machine and that of the disk, which may be another machine's."""
MOST_DATES = 5000
"""Files whose dates are looked at."""


def folder(name: str, path: Path) -> Iterator[Finding]:
    """Findings on a folder that the program writes to, which may not be there yet; leaves nothing in it."""
    there = nearest(path)
    whether = "" if there == path else "not there yet; "
    if path.is_symlink() and not path.exists():
        yield Finding(name, "fault", "a link that leads nowhere", "mount the disk that it leads to, or make it anew")
        return
    if path.exists() and not path.is_dir():
        yield Finding(name, "fault", "a file, not a folder", "move it away, or let [Paths] in luigi.cfg lead elsewhere")
        return
    yield from _space(name, there, whether)
    yield from _written(name, there)


def nearest(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    return next((one for one in (path, *path.absolute().parents) if one.exists()), Path("/"))


def clock(paths: Iterable[Path], now_s: float | None = None) -> Iterator[Finding]:
    """Whether the date can be right: nothing that lies here should come from the future."""
    now_s = time.time() if now_s is None else now_s
    newest, which = max(_dates(paths), default=(0.0, ""))
    told = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(now_s))
    if newest > now_s + FUTURE_S:
        later = time.strftime("%Y-%m-%d", time.gmtime(newest))
        advice = f"set the clock; if it is right, give the file today's date: touch {which}"
        yield Finding("clock", "note", f"{told}, and {which} is of {later}: one of the two is wrong", advice)
    else:
        yield Finding("clock", "ok", told)


def _space(name: str, there: Path, whether: str) -> Iterator[Finding]:
    usage, told = shutil.disk_usage(there), os.statvfs(there)
    text = f"{whether}{usage.free / 1e9:.1f} GB free of {usage.total / 1e9:.1f} GB"
    advice = "free some space, or make it a link to a larger disk"
    if told.f_files and told.f_favail < LEAST_FILES:
        yield Finding(name, "fault", f"{told.f_favail} files can still be made (inodes)", "delete many small files")
    if usage.free < LEAST_FREE:
        yield Finding(name, "fault", text, advice)
    elif usage.free < LITTLE_FREE:
        yield Finding(name, "note", text, advice)
    else:
        yield Finding(name, "ok", text)


def _written(name: str, there: Path) -> Iterator[Finding]:
    """Writes, locks and renames a file, and looks for it by its name in capital letters."""
    path = there / f".tmp-doctor-{os.getpid()}"
    try:
        with path.open("wb") as file:
            file.write(b"doctor")
            file.flush()
            os.fsync(file.fileno())
            skew_s = os.fstat(file.fileno()).st_mtime - time.time()
            yield from _locked(name, file.fileno())
        moved = path.rename(path.with_name(f"{path.name}-moved"))
        path = moved
        if moved.with_name(moved.name.upper()).exists():
            yield Finding(name, "note", "takes no notice of capital letters: names of configs must differ in more")
        if abs(skew_s) > SKEW_S:
            told = f"its clock is {abs(skew_s):.0f} s {'ahead of' if skew_s > 0 else 'behind'} this machine's"
            yield Finding(name, "note", told, "let both ask the same time server (NTP)")
    except OSError as error:
        advice = {
            errno.EROFS: "mount it for writing, or let [Paths] in luigi.cfg lead elsewhere",
            errno.EACCES: "change its permissions, or let [Paths] in luigi.cfg lead elsewhere",
            errno.ENOSPC: "free some space",
            errno.EDQUOT: "free some space, or ask for more",
        }.get(error.errno or 0, "look at the disk; dmesg may say more")
        yield Finding(name, "fault", f"cannot be written: {error.strerror}", advice)
    finally:
        with suppress(OSError):
            path.unlink()


def _locked(name: str, descriptor: int) -> Iterator[Finding]:
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError) as error:
        yield Finding(
            name, "note", f"has no locks ({error}): two runs at once may make the same result twice",
            "run one command at a time, or keep the data on a local disk",
        )  # fmt: skip


def _dates(paths: Iterable[Path]) -> Iterator[tuple[float, str]]:
    left = MOST_DATES
    for path in paths:
        for file in path.rglob("*") if path.is_dir() else [path]:
            left -= 1
            if left < 0:
                return
            with suppress(OSError):
                yield file.stat().st_mtime, str(file)
