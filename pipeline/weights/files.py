"""Descriptions of weight files: where they are published, how they are verified, and where they are cached."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from pipeline import config

_REVISION = re.compile(r"(?<=[^/])/resolve/[^/]+/")

SEEDED = "seeded"
"""Identity of stand-in weights in a recipe."""


@dataclass(frozen=True)
class WeightFile:
    """A published weight file."""

    __pydantic_config__ = config.STRICT
    url: str
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

    def __post_init__(self) -> None:
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

    @property
    def address(self) -> str:
        """Where it is published, at its revision."""
        return _REVISION.sub(f"/resolve/{self.revision.lower()}/", self.url, count=1) if self.revision else self.url

    @property
    def cached_as(self) -> str:
        """The path of the file in the cache, and below the URL of a mirror; another one for each address."""
        if self.place:
            place = Path(self.place)
            return str(place.parent / self.revision.lower()[:12] / place.name)
        return f"{hashlib.sha256(self.address.encode()).hexdigest()[:12]}/{self.former_place}"

    @property
    def former_place(self) -> str:
        """The path in caches of before, in which files of one name from two hosts were one."""
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
        """Path of the file in the cache, whether it is there or not."""
        return self.cache / file.cached_as


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
