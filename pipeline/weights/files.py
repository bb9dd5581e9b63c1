"""Where the weights of networks are, and what they are: one folder of files that are read without running code."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from pipeline import config

SEEDED = "seeded"
"""What a recipe says of weights that are stand-ins."""


@dataclass(frozen=True)
class WeightFile:
    """A published file."""

    __pydantic_config__ = config.STRICT
    url: str
    sha256: str = ""
    """64 hex digits, or the first 8 or more where only those are published; empty: unknown, and not checked."""
    size_mb: float = 0.0
    """Of the download; 0: unknown."""
    licence: str = ""
    place: str = ""
    """Where it lies in the cache; by default the last part of the address."""
    member: str = ""
    """The address holds a zip archive, and this is the file in it; the checksum is that of the archive."""

    def __post_init__(self) -> None:
        digits = self.sha256.lower()
        if digits and (len(digits) < 8 or len(digits) > 64 or set(digits) - set("0123456789abcdef")):
            raise ValueError(f"sha256 {self.sha256!r} must be 8 to 64 hex digits, or empty when it is not known")
        parts = Path(self.place or self.member).parts
        if ".." in parts or Path(self.place).is_absolute():
            raise ValueError(f"place {self.place!r} must lie inside the cache")

    @property
    def cached_as(self) -> str:
        """Its path in the cache, and below the address of a mirror."""
        return self.place or Path(self.member or urlsplit(self.url).path).name

    @property
    def identity(self) -> str:
        """What a recipe says of it: its checksum, or its address where that is not known."""
        return self.sha256.lower() or self.url


@dataclass(frozen=True)
class WeightOptions:
    """Section [Weights] of luigi.cfg."""

    cache: Path = Path("data/weights")
    mirror: str = ""
    """Address under which a copy of somebody's cache folder is served; empty: each file from its own address."""
    offline: bool = False
    """Fetch nothing: what is not in the cache is missing."""
    seeded: bool = False
    """Stand-ins in place of every file that needs a download: features that mean nothing, but without a file."""

    def path(self, file: WeightFile) -> Path:
        """Where the file lies, or is to be put."""
        return self.cache / file.cached_as


@dataclass(frozen=True)
class WeightSource:
    """Where the networks of one expert get their weights."""

    options: WeightOptions = WeightOptions()
    files: Mapping[str, WeightFile] = field(default_factory=dict)
    """Part -> file, as the expert's YAML names them; they go before those that a library knows."""
    always_seeded: bool = False
    """The YAML asks for stand-ins, whatever the options say."""

    @property
    def seeded(self) -> bool:
        """Whether this expert runs on stand-ins."""
        return self.always_seeded or self.options.seeded
