"""Descriptions of weight files: where they are published, how they are verified, and where they are cached."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from pipeline import config

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
    """Path in the cache; by default the last part of the URL."""
    member: str = ""
    """When the URL is a zip archive: the file in it that is wanted. The checksum is then that of the archive."""

    def __post_init__(self) -> None:
        digits = self.sha256.lower()
        if digits and (len(digits) < 8 or len(digits) > 64 or set(digits) - set("0123456789abcdef")):
            raise ValueError(f"sha256 {self.sha256!r} must be 8 to 64 hex digits, or empty when it is not known")
        parts = Path(self.place or self.member).parts
        if ".." in parts or Path(self.place).is_absolute():
            raise ValueError(f"place {self.place!r} must lie inside the cache")

    @property
    def cached_as(self) -> str:
        """The path of the file in the cache, and below the URL of a mirror."""
        return self.place or Path(self.member or urlsplit(self.url).path).name

    @property
    def identity(self) -> str:
        """The identity of the file in a recipe: its checksum, or its URL when that is unknown."""
        return self.sha256.lower() or self.url


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
    always_seeded: bool = False
    """The YAML asks for stand-in weights, whatever the options say."""

    @property
    def seeded(self) -> bool:
        """Whether this expert runs on stand-in weights."""
        return self.always_seeded or self.options.seeded
