"""Collects the wheels that a machine with a GPU lacks: `benchmarks/gpu_wheels.sh DIR [--python 3.12]`.

Versions and checksums are those of requirements.lock. What the wheels need in turn is read from them, so that the list
cannot go out of date. Refuses to hand over more than 50 MB.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from email.parser import HeaderParser
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchmarks.gpu.there import BROUGHT, LEFT_OUT, NEEDLESS, PYTHON, THERE, VERSIONS

LOCK = Path(__file__).parents[2] / "requirements.lock"
MOST_BYTES = 50_000_000
GLIBC_MINORS = (39, 38, 37, 36, 35, 34, 33, 32, 31, 28, 27, 24, 17)
"""Of manylinux_2_N: pip takes only the tags that it is told."""
OLD_TAGS = ("manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64")
SOURCE_ONLY = {"openai-whisper"}
"""Published without a wheel; pure Python, so one that is made here fits everywhere."""


def main() -> None:
    """Collects, prints what there is, and fails where it is too much."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("folder", type=Path, metavar="DIR")
    asked.add_argument("--python", default=PYTHON, help=f"version there; {PYTHON} unless told otherwise")
    options = asked.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    collect(options.folder, options.python)
    for wheel in options.folder.glob("*.whl"):
        pack(wheel)
    sizes = {path.name: path.stat().st_size for path in sorted(options.folder.glob("*.whl"))}
    for name, size in sizes.items():
        print(f"{size / 1e6:7.2f} MB  {name}")
    total = sum(sizes.values())
    print(f"{total / 1e6:7.2f} MB in {len(sizes)} wheels for Python {options.python}; not among them:")
    for module, lost in LEFT_OUT.items():
        print(f"  {module}: without it, {lost}")
    if total > MOST_BYTES:
        sys.exit(f"that is more than {MOST_BYTES / 1e6:.0f} MB: move the largest from BROUGHT to LEFT_OUT in there.py")


def collect(folder: Path, python: str) -> None:
    """Fills `folder` with the wheels that are brought along and all that they need and the machine lacks."""
    locked, lacking = read_lock(LOCK.read_text(encoding="utf-8"), python), set(BROUGHT)
    for stale in folder.glob("*.whl"):
        if locked.get(name_of(stale), ("",))[0] != version_of(stale):
            stale.unlink()
    while lacking:
        here = {name_of(path) for path in folder.glob("*.whl")}
        fetch(sorted(lacking - here), locked, folder, python)
        here |= lacking
        wanted = {need.name for path in folder.glob("*.whl") for need in needs_of(path, python)}
        lacking = {canonicalize_name(name) for name in wanted} - here - THERE


def pack(wheel: Path) -> None:
    """The same wheel as a smaller archive, by LZMA: PyAV's takes 26 MB in place of 35, and all else a third less."""
    with zipfile.ZipFile(wheel) as archive:
        if any(entry.compress_type == zipfile.ZIP_LZMA for entry in archive.infolist()):
            return
        with tempfile.TemporaryDirectory(dir=wheel.parent) as folder:
            packed = Path(folder) / wheel.name
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_LZMA) as smaller:
                for entry in archive.infolist():
                    smaller.writestr(entry.filename, archive.read(entry))
            packed.replace(wheel)


def fetch(names: list[str], locked: dict[str, tuple[str, str]], folder: Path, python: str) -> None:
    """The wheels of these packages alone, each checked against the lock's hashes."""
    unknown = [name for name in names if name not in locked]
    if unknown:
        sys.exit(f"requirements.lock has no {', '.join(unknown)} for Python {python}: add it there, or to there.py")
    # No package index is named: pip asks the one that it is set up with.
    tags = [f"manylinux_2_{minor}_x86_64" for minor in GLIBC_MINORS] + list(OLD_TAGS)
    target = ["--python-version", python, "--implementation", "cp"]
    target += [part for tag in tags for part in ("--platform", tag)]
    ready = [name for name in names if name not in SOURCE_ONLY]
    made = [name for name in names if name in SOURCE_ONLY]
    if ready:
        pip(["download", "--only-binary=:all:", *target, "--dest", str(folder)], (locked[name][1] for name in ready))
    if made:
        pip(["wheel", "--wheel-dir", str(folder)], (locked[name][1] for name in made))


def pip(command: list[str], requirements: Iterable[str]) -> None:
    """Runs pip on lines of a lock; ends the program where it fails, for pip has then said why."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write("\n".join(requirements))
        file.flush()
        common = ["--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes", "-r", file.name]
        done = subprocess.run([sys.executable, "-m", "pip", *command, *common], check=False)
    if done.returncode:
        sys.exit(f"pip {command[0]} failed with {done.returncode}; what is in DIR already is kept")


def read_lock(text: str, python: str) -> dict[str, tuple[str, str]]:
    """Name -> (version, its lines with the hashes) of each package that the lock holds for this Python on Linux.

    Without the marker, which pip would judge by the Python that it runs on.
    """
    blocks = re.findall(r"^[\w.-]+==[^\n]*(?:\n[ ]+--hash[^\n]*)*", text, re.MULTILINE)
    found = {}
    for block in blocks:
        requirement = Requirement(block.partition("\\")[0].strip())
        if requirement.marker is None or requirement.marker.evaluate(environment(python)):
            (pinned,) = requirement.specifier
            hashes = block.partition("\n")[2]
            line = f"{requirement.name}=={pinned.version} \\\n{hashes}"
            found[canonicalize_name(requirement.name)] = (pinned.version, line)
    return found


def environment(python: str) -> dict[str, str]:
    """What markers of requirements are evaluated in: the machine's Python, whatever runs this."""
    there = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux", "extra": ""}
    return there | {"platform_system": "Linux", "platform_machine": "x86_64", "os_name": "posix",
                    "platform_python_implementation": "CPython", "implementation_name": "cpython"}  # fmt: skip


def needs_of(wheel: Path, python: str) -> Iterator[Requirement]:
    """What the metadata of a wheel asks for on such a machine."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        told = HeaderParser().parsestr(archive.read(name).decode("utf-8"))
    for line in told.get_all("Requires-Dist") or []:
        need = Requirement(line)
        if need.name not in NEEDLESS and (need.marker is None or need.marker.evaluate(environment(python))):
            yield need


def name_of(wheel: Path) -> str:
    """Of the package in a wheel, by its file's name."""
    return canonicalize_name(wheel.name.split("-")[0])


def version_of(wheel: Path) -> str:
    """As `name_of`."""
    return wheel.name.split("-")[1]


def unmet(folder: Path, python: str) -> list[str]:
    """What the wheels ask for and would not find, in words; empty where all of it fits together."""
    here = {name_of(path): version_of(path) for path in folder.glob("*.whl")}
    problems = []
    for wheel in sorted(folder.glob("*.whl")):
        for need in needs_of(wheel, python):
            name = canonicalize_name(need.name)
            version = here.get(name) or VERSIONS.get(name)
            if version is None and name not in THERE:
                problems.append(f"{wheel.name} needs {need}, which is neither there nor brought along")
            elif version is not None and not need.specifier.contains(version, prereleases=True):
                problems.append(f"{wheel.name} needs {need}, and {version} would be there")
    return problems


if __name__ == "__main__":
    os.environ.pop("PIP_REQUIRE_VIRTUALENV", None)
    main()
