"""Where the weights of networks are, and what they are: one folder of files that are read without running code."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipeline import config
from pipeline.errors import ExtractionError, WeightsError

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


def missing(files: Iterable[WeightFile], options: WeightOptions) -> list[WeightFile]:
    """Those that are not in the cache, each once, also where two parts of a run tell of it in different words."""
    first = {options.path(file): file for file in reversed(list(files))}
    return [file for path, file in reversed(first.items()) if not path.is_file()]


def ensure(files: Iterable[WeightFile], options: WeightOptions) -> None:
    """Fetches what is not in the cache; one WeightsError that lists every file that could not be had."""
    lacking, reasons = missing(files, options), {}
    for file in lacking:
        try:
            if options.offline:
                raise WeightsError("[Weights] offline is set")
            from pipeline.weight_download import fetch

            fetch(file, options)
        except WeightsError as error:
            reasons[file] = str(error)
    if reasons:
        raise WeightsError(_list_missing(reasons, options))


def _list_missing(reasons: Mapping[WeightFile, str], options: WeightOptions) -> str:
    lines = [f"{len(reasons)} files of weights are not here and could not be had:"]
    for file, reason in reasons.items():
        size = f"{file.size_mb:g} MB" if file.size_mb else "size unknown"
        inside = f", the file {file.member} in it" if file.member else ""
        lines.append(f"  {file.url} ({size}{inside}) -> {options.path(file)}: {reason}")
    lines.append(
        "Put each file where the arrow points, or name a copy of a filled cache under [Weights] mirror in luigi.cfg; "
        "[Weights] seeded = true runs everything on stand-ins, whose features mean nothing"
    )
    return "\n".join(lines)


def load_tensors(path: Path) -> dict[str, Any]:
    """Name -> tensor (or plain value) of a .safetensors file or of a PyTorch checkpoint; runs no code from the file."""
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    import pickle

    import torch

    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise WeightsError(f"{path}: no checkpoint that holds tensors only: {error}; fetch it again") from None
    if not isinstance(loaded, Mapping):
        raise WeightsError(f"{path}: holds a {type(loaded).__name__} in place of named tensors")
    inner = loaded.get("state_dict")
    return dict(inner if isinstance(inner, Mapping) else loaded)


def wheel_sha256(package: str, suffix: str) -> dict[str, str]:
    """File -> sha256 of the files in an installed wheel whose names end with `suffix`, as the wheel itself lists them.

    ExtractionError when the package is not installed or has no such file. Reads a list, not the files.
    """
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        raise ExtractionError(f"the package {package} is missing: pip install {package}") from None
    found = {str(file): file.hash.value for file in files if str(file).endswith(suffix) and file.hash}
    if not found:
        raise ExtractionError(f"the package {package} holds no {suffix} file; install a release that does")
    return found
