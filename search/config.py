"""What configs/search.yaml says: how the answers of the engines become one list, and when there is none."""

from dataclasses import dataclass
from pathlib import Path

from pipeline import config

CONFIGS = Path("configs")


@dataclass(frozen=True)
class IndexSettings:
    """What BuildIndex writes; part of the index's fingerprint."""

    __pydantic_config__ = config.STRICT
    moment_s: float = 2.0
    """Length of a moment."""
    approximate_from: int = 200_000
    """Videos from which on an approximate index is made."""

    def __post_init__(self) -> None:
        if self.moment_s <= 0 or self.approximate_from < 1:
            raise ValueError("index: moment_s must be above 0 and approximate_from at least 1")


@dataclass(frozen=True)
class Fusion:
    """Weighted reciprocal ranks (Cormack et al. 2009)."""

    __pydantic_config__ = config.STRICT
    offset: float
    weights: dict[str, float]
    """Engine -> weight."""

    def __post_init__(self) -> None:
        if self.offset < 0 or any(weight < 0 for weight in self.weights.values()):
            raise ValueError("fusion: offset and weights must be at least 0")


@dataclass(frozen=True)
class Floors:
    """Below them nothing is found."""

    __pydantic_config__ = config.STRICT
    ce_percentile: float
    ce: float
    ce_keep: float
    frames_margin: float
    words: float

    def __post_init__(self) -> None:
        if not 0 <= self.ce_percentile <= 100:
            raise ValueError("floors.ce_percentile must be in 0..100")


@dataclass(frozen=True)
class SearchConfig:
    """configs/search.yaml"""

    __pydantic_config__ = config.STRICT
    fusion: Fusion
    floors: Floors
    stop_words: frozenset[str]
    index: IndexSettings = IndexSettings()


def load(configs: Path = CONFIGS) -> SearchConfig:
    """The settings in `configs/search.yaml`."""
    return config.load(SearchConfig, configs / "search.yaml")
