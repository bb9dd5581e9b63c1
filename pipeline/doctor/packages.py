"""Versions of this program, of Python and of the packages that it needs; what is missing, or of another version."""

import platform
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata

from pipeline.doctor.findings import Finding

DISTRIBUTION = "expert-retrieval"
TOLD = (
    "torch",
    "torchvision",
    "onnxruntime",
    "av",
    "decord",
    "opencv-python-headless",
    "luigi",
    "zarr",
    "numpy",
    "timm",
    "transformers",
    "faster-whisper",
    "rapidocr",
)
"""Packages whose versions a report needs."""
OLDEST_PYTHON = (3, 11)


def versions() -> Iterator[Finding]:
    """Of the program, of Python and the system, and of packages."""
    program = version(DISTRIBUTION)
    yield (
        Finding("program", "ok", f"expert-retrieval {program}")
        if program
        else Finding(
            "program",
            "note",
            "not installed as a package",
            "pip install -e . in its folder, for the program luigi finds it",
        )
    )
    python = f"{platform.python_version()}, {platform.system()} {platform.release()} {platform.machine()}"
    if sys.version_info < OLDEST_PYTHON:
        yield Finding("Python", "fault", python, "install Python 3.11 or newer, and the program in it")
    else:
        yield Finding("Python", "ok", python)
    found = [f"{name} {told}" for name in TOLD if (told := version(name))]
    yield Finding("packages", "ok", ", ".join(found))


def requirements() -> Iterator[Finding]:
    """What the program asks for and does not have."""
    try:
        wanted = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return
    lacking, others = [], []
    for text in wanted:
        name = re.match(r"[\w.-]+", text)
        if name is None or not _applies(text):
            continue
        here = version(name[0])
        if here is None:
            lacking.append(text.partition(";")[0].strip())
        elif not _fits(text, here):
            others.append(f"{text.partition(';')[0].strip()} (here: {here})")
    if lacking:
        quoted = " ".join(f"'{one}'" for one in lacking)
        yield Finding("packages", "fault", f"not installed: {', '.join(lacking)}", f"pip install {quoted}")
    if others:
        advice = "make .venv/.installed, or pip install of these versions"
        yield Finding("packages", "note", f"other versions than asked for: {', '.join(others)}", advice)


def version(name: str) -> str | None:
    """The version of an installed distribution; None where it is not installed."""
    with suppress(metadata.PackageNotFoundError):
        return metadata.version(name)
    return None


def _applies(text: str) -> bool:
    """Whether a requirement is one of this system, and none of an extra."""
    marker = text.partition(";")[2].strip()
    if not marker:
        return True
    if "extra" in marker:
        return False
    try:
        from packaging.markers import Marker
    except ImportError:  # told as missing by somebody else
        return False
    return Marker(marker).evaluate()


def _fits(text: str, here: str) -> bool:
    try:
        from packaging.requirements import Requirement
    except ImportError:
        return True
    return Requirement(text).specifier.contains(here, prereleases=True)
