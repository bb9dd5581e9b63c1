"""Descriptions of weight files: where they are published, how they are verified, and where they are found."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pipeline import config
from pipeline.weights.wheels import installed_file

_REVISION = re.compile(r"(?<=[^/])/resolve/[^/]+/")
_PACKAGE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9.!+_-]*")

SEEDED = "seeded"
"""Identity of stand-in weights in a recipe."""


@dataclass(frozen=True)
class WeightFile:
    """A published weight file: one at an address, or one that an installed Python package carries."""

    __pydantic_config__ = config.STRICT
    url: str = ""
    """Empty for a file of a package."""
    sha256: str = ""
    """64 hex digits, or the first 8 or more where only those are published; empty: unknown, not verified."""
    size_mb: float = 0.0
    """Size of the download; 0: unknown."""
    licence: str = ""
    place: str = ""
    """Path in the cache; by default a hash of the address, and in that folder the last part of the URL."""
    member: str = ""
    """When the URL is a zip archive: the file in it that is wanted. The checksum is then that of the archive."""
    revision: str = ""
    """Commit of a repository on the Hugging Face hub, in place of the branch in the URL; part of the identity."""
    md5: str = ""
    """32 hex digits, of the file itself also where `member` is set; where no sha256 of it is published."""
    keep_first: bool = False
    """Refuse a file of other content than the first that was used; for files whose identity is a name alone."""
    package: str = ""
    """Python package that carries the file, in place of a URL; found by its metadata, and never imported."""
    file: str = ""
    """Path of the file as the package's RECORD lists it, e.g. some_package/models/network.pth."""
    version: str = ""
    """Release of the package that is known to carry the file: what to install. The checksum tells what is right."""
    state_dict: Literal["by_name", "by_order"] = "by_name"
    """by_order: the tensors are those of the network in the same order under other names; see tensors.py."""

    def __post_init__(self) -> None:
        if self.package or self.file or not self.url:
            self._check_package()
        for name, fewest, most in (("sha256", 8, 64), ("md5", 32, 32), ("revision", 40, 40)):
            digits = getattr(self, name)
            if digits and not re.fullmatch(f"[0-9a-fA-F]{{{fewest},{most}}}", digits):
                number = f"{fewest} to {most}" if fewest < most else f"{most}"
                raise ValueError(f"{name} {digits!r} must be {number} hex digits, or empty when it is not known")
        if self.revision and not _REVISION.search(self.url):
            raise ValueError(
                f"revision belongs to an address of the Hugging Face hub, .../resolve/main/..., not {self.url}"
            )
        parts = Path(self.place or self.member).parts
        if ".." in parts or Path(self.place).is_absolute():
            raise ValueError(f"place {self.place!r} must lie inside the cache")

    def _check_package(self) -> None:
        if bool(self.url) == bool(self.package) or bool(self.package) != bool(self.file):
            raise ValueError("a file of weights is named by url, or by package, file and sha256")
        if not _PACKAGE.fullmatch(self.package) or not _VERSION.fullmatch(self.version):
            raise ValueError(f"package {self.requirement!r} is not the name of a Python package and its version")
        if ".." in Path(self.file).parts or Path(self.file).is_absolute():
            raise ValueError(f"file {self.file!r} must lie inside the package")
        if len(self.sha256) != 64:
            raise ValueError(f"a file of a package needs its whole sha256, 64 hex digits: {self.file!r}")
        if self.revision or self.member or self.place:
            raise ValueError("revision, member and place belong to a url, not to a package")

    @property
    def requirement(self) -> str:
        """What pip is told to install, e.g. "some-package==0.1.0"; empty where it is no file of a package."""
        return f"{self.package}=={self.version}" if self.version else self.package

    @property
    def address(self) -> str:
        """Where it is published, at its revision."""
        if self.package:
            return f"the Python package {self.requirement}"
        return _REVISION.sub(f"/resolve/{self.revision.lower()}/", self.url, count=1) if self.revision else self.url

    @property
    def cached_as(self) -> str:
        """The path of the file in the cache, and below the URL of a mirror; another one for each address.

        A file of a package is looked for there where the package is not installed.
        """
        if self.package:
            return f"packages/{self.package}/{self.file}"
        if self.place:
            place = Path(self.place)
            return str(place.parent / self.revision.lower()[:12] / place.name)
        return f"{hashlib.sha256(self.address.encode()).hexdigest()[:12]}/{self.former_place}"

    @property
    def former_place(self) -> str:
        """The path in caches of before, in which files of one name from two hosts were one."""
        if self.package:
            return self.cached_as
        return self.place or Path(self.member or urlsplit(self.url).path).name

    @property
    def content_sha256(self) -> str:
        """The known digits of the sha256 of the file in the cache; empty where none are."""
        return "" if self.member else self.sha256

    @property
    def is_pinned(self) -> bool:
        """Whether a checksum tells that the file in the cache is the right one."""
        return bool(self.content_sha256 or self.md5)

    def identity(self, content: str) -> str:
        """The identity of the file in a recipe, with its revision if it has one.

        It is the checksum in the YAML, or else that of the `content` in the cache, or else (`content` is empty: the
        file has never been here) the URL.
        """
        digest = self.sha256.lower() or content or self.url
        return f"{digest}@{self.revision.lower()}" if self.revision else digest


@dataclass(frozen=True)
class WeightOptions:
    """Section [Weights] of luigi.cfg."""

    cache: Path = Path("data/weights")
    mirror: str = ""
    """URL at which a copy of a filled cache folder is served; empty: each file is fetched from its own URL."""
    offline: bool = False
    """Fetch nothing; files that are not in the cache are errors."""
    seeded: bool = False
    """Use stand-in weights in place of every download: everything runs, but the features are meaningless."""

    def path(self, file: WeightFile) -> Path:
        """Path of the file in its package, where that is installed and has it; or in the cache, be it there or not."""
        return self.cache / self.place(file)

    def place(self, file: WeightFile) -> str:
        """The same path as the ledger knows it: relative to the cache, absolute for a file in its package."""
        found = installed_file(file.package, file.file) if file.package else None
        return str(found) if found else file.cached_as


@dataclass(frozen=True)
class WeightSource:
    """Where the networks of one expert get their weights from."""

    options: WeightOptions = WeightOptions()
    files: Mapping[str, WeightFile] = field(default_factory=dict)
    """Part of the network -> file, as in the expert's YAML; these take precedence over a library's own files."""
    contents: dict[str, str] = field(default_factory=dict, compare=False)
    """Part -> sha256 of the file that its recipe stands for, of files without a checksum; empty while there is none.

    What is here once stays for the whole run, so that a file replaced meanwhile is noticed when it is loaded.
    """
    always_seeded: bool = False
    """The YAML asks for stand-in weights, whatever the options say."""

    @property
    def seeded(self) -> bool:
        """Whether this expert runs on stand-in weights."""
        return self.always_seeded or self.options.seeded


def unpinned(files: Mapping[str, WeightFile]) -> list[str]:
    """The parts of whose file no checksum is known, so that whatever lies in the cache is taken for the right one."""
    return [part for part, file in files.items() if not file.is_pinned]
