"""The settings in configs/search.yaml: fusion, floors, stop words, index, label words, experts for a folder."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from models.zero_shot.settings import LabelWords
from pipeline import config

CONFIGS = Path("configs")

NONE, LATE_INTERACTION = "none", "late_interaction"
"""Second stages of a search; the latter is also the name of its engine."""

MOST_CANDIDATES = 1000
"""Of a second stage: so many of an answer can be seen."""
LEAST_LABEL = 0.02
"""Less probable labels are not in an index; change it with VERSION in search/building/build.py."""


@dataclass(frozen=True)
class IndexSettings:
    """Settings of BuildIndex; part of the index's fingerprint."""

    __pydantic_config__ = config.STRICT
    moment_s: float = 2.0
    """Length of the moments into which a video is cut."""
    approximate_from: int = 200_000
    """Number of videos from which on an approximate index is built too."""
    selector: bool = True
    """Whether weights of the engines are read from their rankings, for each query, where that is shown to find more."""

    def __post_init__(self) -> None:
        if self.moment_s <= 0 or self.approximate_from < 1:
            raise ValueError("index: moment_s must be above 0 and approximate_from at least 1")


@dataclass(frozen=True)
class Fusion:
    """Weighted reciprocal rank fusion (Cormack et al., 2009)."""

    __pydantic_config__ = config.STRICT
    offset: float
    """Added to each rank before its reciprocal is taken."""
    weights: dict[str, float]
    """Engine -> its weight."""

    def __post_init__(self) -> None:
        if self.offset < 0 or any(weight < 0 for weight in self.weights.values()):
            raise ValueError("fusion: offset and weights must be at least 0")


@dataclass(frozen=True)
class Floors:
    """Minimum scores of the engines; videos below them are no hits."""

    __pydantic_config__ = config.STRICT
    ce_percentile: float
    """Trained experts find nothing below this percentile of the best scores that validation captions reach."""
    ce: float
    """The floor of the trained experts where the index has no validation captions."""
    ce_keep: float
    """Share of the best score that a further hit of the trained experts must reach."""
    frames_margin: float
    """Standard deviations by which the best video by frames must score above the mean."""
    words: float
    """Share of the query's words that must occur in a video."""
    labels: float = 0.1
    """Probability from which on a label counts as seen."""
    label_words: float = 0.05
    """Least score of a video by label words, 0..1."""
    label_words_near: float = 0.5
    """Cosine from which on the label that is nearest to the query says what the query says."""
    label_words_of_near: float = 0.01
    """Least score where there is such a label: lower, as the weights spread over the many kinds of a general thing."""
    label_words_keep: float = 0.2
    """Share of the best score that a further hit by label words must reach."""

    def __post_init__(self) -> None:
        if not 0 <= self.ce_percentile <= 100:
            raise ValueError("floors.ce_percentile must be in 0..100")
        if not LEAST_LABEL <= self.labels <= 1:
            raise ValueError(
                f"floors.labels must be in {LEAST_LABEL}..1: an index holds no label that is less probable"
            )


@dataclass(frozen=True)
class SecondStage:
    """How the best of the first stage are put in order."""

    __pydantic_config__ = config.STRICT
    engine: Literal["none", "late_interaction"] = "none"
    """late_interaction: by the tokens of the query too, as one engine more; where a request does not say otherwise."""
    candidates: int = 100
    """How many of the best take part."""

    def __post_init__(self) -> None:
        if not 1 <= self.candidates <= MOST_CANDIDATES:
            raise ValueError(f"second_stage: candidates must be in 1..{MOST_CANDIDATES}")


@dataclass(frozen=True)
class FolderSettings:
    """Settings of SearchFolder, which searches a folder that nobody has described."""

    __pydantic_config__ = config.STRICT
    experts: tuple[tuple[str, ...], ...] = ()
    """Groups of experts; of each group the first whose weights are at hand takes part."""


@dataclass(frozen=True)
class SearchConfig:
    """The contents of configs/search.yaml."""

    __pydantic_config__ = config.STRICT
    fusion: Fusion
    floors: Floors
    stop_words: frozenset[str]
    index: IndexSettings = IndexSettings()
    folder: FolderSettings = FolderSettings()
    label_words: LabelWords = field(default_factory=LabelWords)
    second_stage: SecondStage = SecondStage()


def load(configs: Path = CONFIGS) -> SearchConfig:
    """The settings in `configs/search.yaml`."""
    return config.load(SearchConfig, configs / "search.yaml")
